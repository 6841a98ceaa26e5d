"""Text and token ids: encoding, decoding, and any text made safe to show."""
