"""What a start leaves for the next one, so that it is quick. Everything here can be made anew."""
