"""What can break, and how it is put back."""
