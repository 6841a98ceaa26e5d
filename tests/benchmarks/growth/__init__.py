"""How speed, gaps and memory grow with the texts written together, the prompt and the model."""
