"""What the model is asked, what it answers, and how the answer is read back."""
