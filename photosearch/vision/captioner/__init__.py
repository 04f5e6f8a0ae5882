"""Show, Attend and Tell: pictures to sentences."""
