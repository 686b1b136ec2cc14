"""Whether two pipelines, assays, images, DRAGEN versions or FPGA generations give the same."""
