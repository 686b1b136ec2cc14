# Both stages for a CWL runner.
cwlVersion: v1.2
class: Workflow
inputs: {name: string?, r1: File, r2: File, genome: File, align: File, call: File}
outputs:
  variants: {type: File, outputSource: call_variants/variants}
steps:
  align_reads:
    in: {script: align, r1: r1, r2: r2, genome: genome}
    out: [alignment]
    run:
      class: CommandLineTool
      baseCommand: sh
      arguments:
        - {valueFrom: alignment.txt, position: 5}
        - {valueFrom: reads.txt, position: 6}
      inputs:
        script: {type: File, inputBinding: {position: 1}}
        r1: {type: File, inputBinding: {position: 2}}
        r2: {type: File, inputBinding: {position: 3}}
        genome: {type: File, inputBinding: {position: 4}}
      outputs:
        alignment: {type: File, outputBinding: {glob: alignment.txt}}
  call_variants:
    in: {script: call, alignment: align_reads/alignment}
    out: [variants]
    run:
      class: CommandLineTool
      baseCommand: sh
      arguments: [{valueFrom: variants.txt, position: 3}]
      inputs:
        script: {type: File, inputBinding: {position: 1}}
        alignment: {type: File, inputBinding: {position: 2}}
      outputs:
        variants: {type: File, outputBinding: {glob: variants.txt}}
