"""What asks the model and shows its answer, step by step."""
