"""GPT-2's forward pass: from token ids to logits, many sequences at once."""
