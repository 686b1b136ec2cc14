"""What happens to a sample: one module for each part of its way, over the adapters."""
