# Many samples at once for a CWL runner: a sample for each name.
cwlVersion: v1.2
class: Workflow
requirements: {ScatterFeatureRequirement: {}, SubworkflowFeatureRequirement: {}}
inputs: {names: "string[]", r1: File, r2: File, genome: File, align: File, call: File}
outputs:
  variants: {type: "File[]", outputSource: sample/variants}
steps:
  sample:
    scatter: name
    in: {name: names, r1: r1, r2: r2, genome: genome, align: align, call: call}
    out: [variants]
    run: sample.cwl
