"""Pictures are decoded in processes of their own, with limits of time, memory and output."""
