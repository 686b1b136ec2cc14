"""How a sample's reads reach the tools: streamed or on disk, checked record by record.

``reads`` is what a stage uses. Each mate has a process (``mate_process``), which reads ``fastq``,
counts and checks records (``record_counter``, ``record_vectors``) and writes into a named pipe
(``fifo``). The runner follows it with a ``feed``, or with ``file_checks`` where files are on disk.
"""
