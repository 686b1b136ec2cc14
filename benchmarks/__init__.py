"""What Seqdrop costs in time and memory beside the tools that it runs."""
