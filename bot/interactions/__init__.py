"""Discord's side of it: what is pressed and typed comes in, cards go out."""
