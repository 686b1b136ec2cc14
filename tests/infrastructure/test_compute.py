"""Batch as the template makes it: hosts, environments, queues, job definitions."""

import json
import re
from importlib.resources import files
from pathlib import PurePosixPath
from typing import Any

import pytest
from moto.ec2.models.instance_types import INSTANCE_TYPES

from runner.settings import read_task_settings
from seqdrop.aws.batch import FPGA_CONTAINER
from seqdrop.domain import cost
from seqdrop.domain.plan_making import timeout_seconds
from seqdrop.library import Library
from tests.infrastructure.stack import (
    PROJECT,
    deployed,
    functions,
    made,
    made_of_type,
    of_type,
    refers_to,
    source,
    target_of,
)

ENVIRONMENTS = of_type("AWS::Batch::ComputeEnvironment")
TEMPLATES = of_type("AWS::EC2::LaunchTemplate")
HOST_PROGRAM = (PROJECT / "infrastructure/host/seqdrop_host.py").read_text("utf-8")
REACHES = ("Reads", "Results", "Index")
FPGA_JOBS = tuple(
    f"{kind}{reach}JobDefinition" for kind in ("FpgaGenome", "FpgaExome") for reach in REACHES
)
REASONS = {
    "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY",
    "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE",
    "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT",
}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_an_environment_is_changed_in_place_and_ends_no_job_at_once(name: str) -> None:
    environment = ENVIRONMENTS[name]
    assert environment["ReplaceComputeEnvironment"] is False
    # What changing in place wants: Batch's service-linked role, no name, one of these strategies.
    assert "ServiceRole" not in environment
    assert "ComputeEnvironmentName" not in environment
    strategy = environment["ComputeResources"]["AllocationStrategy"]
    assert strategy in {"BEST_FIT_PROGRESSIVE", "SPOT_PRICE_CAPACITY_OPTIMIZED"}
    assert environment["UpdatePolicy"]["TerminateJobsOnUpdate"] is False
    assert environment["ComputeResources"]["MinvCpus"] == 0  # nothing runs when nothing is asked


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_a_genome_survives_an_update_of_its_host(name: str) -> None:
    """As long as its own plan lets it run; Batch takes 7,200 minutes at the most."""
    library = Library(str(PROJECT / "pipelines"))
    stages = [s for n in library.pipeline_names() for s in library.pipeline(n).stages.values()]
    thirty_fold_bytes = 60 * 2**30
    longest = max(timeout_seconds(stage, thirty_fold_bytes) for stage in stages)
    minutes = ENVIRONMENTS[name]["UpdatePolicy"]["JobExecutionTimeoutMinutes"]
    assert longest <= minutes * 60
    assert minutes <= 7_200


def test_cpu_hosts_are_of_the_linux_that_their_script_is_for() -> None:
    for name in ("CpuComputeEnvironment", "CpuOnDemandComputeEnvironment"):
        (image,) = ENVIRONMENTS[name]["ComputeResources"]["Ec2Configuration"]
        assert image == {"ImageType": "ECS_AL2023"}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_a_change_of_a_launch_template_reaches_its_hosts(name: str) -> None:
    given = ENVIRONMENTS[name]["ComputeResources"]["LaunchTemplate"]
    template = target_of(given["LaunchTemplateId"])
    assert given["Version"] == {"Fn::GetAtt": [template, "LatestVersionNumber"]}


def test_fpga_hosts_are_on_demand_and_cpu_hosts_on_spot_with_on_demand_behind() -> None:
    found = {
        name.removesuffix("ComputeEnvironment"): (
            e["ComputeResources"]["Type"],
            e["ComputeResources"]["AllocationStrategy"],
        )
        for name, e in ENVIRONMENTS.items()
    }
    assert found == {
        "FpgaGenome": ("EC2", "BEST_FIT_PROGRESSIVE"),
        "FpgaExome": ("EC2", "BEST_FIT_PROGRESSIVE"),
        "Cpu": ("SPOT", "SPOT_PRICE_CAPACITY_OPTIMIZED"),
        "CpuOnDemand": ("EC2", "BEST_FIT_PROGRESSIVE"),
        "Nextflow": ("EC2", "BEST_FIT_PROGRESSIVE"),
    }
    for name in ("CpuComputeEnvironment", "CpuOnDemandComputeEnvironment"):
        types = ENVIRONMENTS[name]["ComputeResources"]["InstanceTypes"]
        assert types == {"Fn::Split": [",", {"Ref": "CpuInstanceTypes"}]}


def test_the_types_of_cpu_hosts_are_in_every_region_that_the_guide_names() -> None:
    """By cfn-lint's tables, which are made of AWS's price lists; Batch refuses unknown types."""
    default = source()["Parameters"]["CpuInstanceTypes"]["Default"].split(",")
    assert len(default) >= 8  # Spot has some of them, if not all
    guide = (PROJECT / "docs/deploy.md").read_text() + (PROJECT / "samconfig.toml").read_text()
    named = set(re.findall(r"\b(?:us|eu|ap|ca|sa)-[a-z]+-[1-9]\b", guide))
    assert {"us-east-1", "us-west-2", "eu-west-2", "ap-southeast-2"} <= named
    table = files("cfnlint") / "data/schemas/extensions/aws_ec2_instance/instancetype_enum.json"
    regions = json.loads(table.read_text("utf-8"))
    assert {r: set(default) - set(regions[r]["enum"]) for r in named} == {r: set() for r in named}


@pytest.mark.parametrize("name", of_type("AWS::Batch::JobQueue"))
def test_a_job_that_no_host_can_take_does_not_block_its_queue(name: str) -> None:
    queue = of_type("AWS::Batch::JobQueue")[name]
    actions = queue["JobStateTimeLimitActions"]
    assert {action["Reason"] for action in actions} == REASONS
    for action in actions:
        assert (action["State"], action["Action"]) == ("RUNNABLE", "CANCEL")
        assert action["MaxTimeSeconds"] == {"Ref": "RunnableTimeoutSeconds"}
    order = [target_of(e["ComputeEnvironment"]) for e in queue["ComputeEnvironmentOrder"]]
    behind = ["CpuOnDemandComputeEnvironment"] if name.startswith("Cpu") else []
    assert order[1:] == behind or (name, order) == ("CpuOnDemandQueue", behind)


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_host_has_encrypted_volumes_and_the_second_metadata_service(name: str) -> None:
    data = TEMPLATES[name]["LaunchTemplateData"]
    assert data["MetadataOptions"]["HttpTokens"] == "required"
    hops = data["MetadataOptions"]["HttpPutResponseHopLimit"]
    assert hops == (2 if name == "FpgaLaunchTemplate" else 1)
    for volume in data["BlockDeviceMappings"]:
        assert volume["Ebs"]["Encrypted"] is True
        assert volume["Ebs"]["DeleteOnTermination"] is True


def test_scratch_of_a_cpu_host_is_as_large_as_was_asked() -> None:
    volumes = TEMPLATES["CpuLaunchTemplate"]["LaunchTemplateData"]["BlockDeviceMappings"][1:]
    each = {"Fn::FindInMap": ["ScratchVolumes", {"Ref": "ScratchGib"}, "EachGib"]}
    assert [volume["Ebs"]["VolumeSize"] for volume in volumes] == [each, each]
    sizes = source()["Mappings"]["ScratchVolumes"]
    assert list(sizes) == source()["Parameters"]["ScratchGib"]["AllowedValues"]
    assert all(int(name) == len(volumes) * size["EachGib"] for name, size in sizes.items())


def test_the_cost_of_a_job_knows_the_volumes_that_hosts_have() -> None:
    volumes = {
        name: [volume["Ebs"] for volume in t["LaunchTemplateData"]["BlockDeviceMappings"]]
        for name, t in TEMPLATES.items()
    }
    assert {volume["VolumeType"] for found in volumes.values() for volume in found} == {"gp3"}
    assert [found[0]["VolumeSize"] for found in volumes.values()] == [cost.ROOT_GIB] * 3
    assert [len(found) for found in volumes.values()] == [1, 1 + cost.SCRATCH_VOLUMES, 2]
    (_, of_heads) = volumes["NextflowLaunchTemplate"]
    assert (of_heads["VolumeSize"], "Throughput" in of_heads) == (cost.HEAD_SCRATCH_GIB, False)
    assert all("Throughput" not in found[0] for found in volumes.values())
    scratch = volumes["CpuLaunchTemplate"][1:]
    assert [volume["Throughput"] for volume in scratch] == [cost.SCRATCH_MIBPS] * len(scratch)
    assert all("Iops" not in volume for found in volumes.values() for volume in found)


def test_a_job_pays_for_its_share_of_the_smallest_host() -> None:
    types = source()["Parameters"]["CpuInstanceTypes"]["Default"].split(",")
    vcpus = [INSTANCE_TYPES[t]["VCpuInfo"]["DefaultVCpus"] for t in types if t[0] == "m"]
    assert len(vcpus) >= 4
    assert Library(str(PROJECT / "pipelines")).prices().queues["cpu"].host_vcpus == min(vcpus)


def test_every_type_of_hosts_has_its_price_and_none_costs_more_than_its_queue_says() -> None:
    prices = Library(str(PROJECT / "pipelines")).prices()
    types = source()["Parameters"]["CpuInstanceTypes"]["Default"].split(",")
    fpga = ENVIRONMENTS["FpgaGenomeComputeEnvironment"]["ComputeResources"]["InstanceTypes"]
    assert prices.hosts.keys() == {*types, *fpga}
    for name in types:
        price = prices.hosts[name]
        assert price.vcpus == INSTANCE_TYPES[name]["VCpuInfo"]["DefaultVCpus"]
        assert price.usd_per_hour / price.vcpus <= prices.queues["cpu"].usd_per_hour
    (board,) = fpga
    assert prices.hosts[board].usd_per_hour == prices.queues["fpga-genome"].usd_per_hour


def test_a_head_job_pays_for_its_share_of_the_smallest_of_its_hosts() -> None:
    types = ENVIRONMENTS["NextflowComputeEnvironment"]["ComputeResources"]["InstanceTypes"]
    smallest = min(INSTANCE_TYPES[t]["VCpuInfo"]["DefaultVCpus"] for t in types)
    assert Library(str(PROJECT / "pipelines")).prices().queues["nextflow"].host_vcpus == smallest


def test_there_are_head_jobs_only_where_their_image_is_given() -> None:
    def of_heads(**parameters: str) -> set[str]:
        return {name for name in made(**parameters) if "Nextflow" in name}

    assert of_heads() == set()
    assert of_heads(NextflowImage="lab/nextflow@sha256:1") == {
        "NextflowLaunchTemplate", "NextflowComputeEnvironment", "NextflowUrgentQueue",
        "NextflowRoutineQueue", "NextflowBulkQueue", "NextflowGate", "NextflowJobDefinition",
        "NextflowJobRole", "NextflowTaskRole",
    }  # fmt: skip


def test_head_jobs_take_no_host_from_their_own_tasks() -> None:
    for priority in ("Urgent", "Routine", "Bulk"):
        order = of_type("AWS::Batch::JobQueue")[f"Nextflow{priority}Queue"]
        hosts = [target_of(e["ComputeEnvironment"]) for e in order["ComputeEnvironmentOrder"]]
        assert hosts == ["NextflowComputeEnvironment"]


def test_a_head_job_knows_where_its_tasks_run_and_as_whom() -> None:
    definition = of_type("AWS::Batch::JobDefinition")["NextflowJobDefinition"]
    container = definition["ContainerProperties"]
    given = {one["Name"]: one["Value"] for one in container["Environment"]}
    names = ("AWS_BATCH_JQ_NAME", *given)
    tasks = read_task_settings(dict.fromkeys(names, "seqdrop-nextflow-bulk"))
    assert tasks.queue.endswith("-bulk")
    assert given["SEQDROP_TASK_QUEUES"] == {"Fn::Sub": "${AWS::StackName}-cpu"}
    assert given["SEQDROP_TASK_ROLE"] == {"Fn::GetAtt": ["NextflowTaskRole", "Arn"]}
    assert given["NXF_IGNORE_RESUME_HISTORY"] == "true"  # or no session of another host is resumed
    assert container["User"] == "65534:65534"
    (install,) = re.findall(r"--install-dir (\S+)", (PROJECT / "template.yaml").read_text())
    assert given["SEQDROP_TASK_CLI"] == f"{install}/v2/current/bin/aws"


def test_only_hosts_of_workflows_tasks_fetch_the_aws_cli_and_check_what_they_got() -> None:
    def data(**parameters: str) -> str:
        found = made_of_type("AWS::EC2::LaunchTemplate", **parameters)["CpuLaunchTemplate"]
        return json.dumps(found["LaunchTemplateData"]["UserData"])

    assert "awscli" not in data()
    fetched = data(NextflowImage="lab/nextflow@sha256:1")
    assert re.search(r"awscli-exe-linux-x86_64-[0-9.]+\.zip", fetched)
    assert re.search(r"[0-9a-f]{64}  cli\.zip.*sha256sum --check", fetched)


@pytest.mark.parametrize("name", ["RecordJobEventFunction", "PollJobFunction"])
def test_who_computes_a_cost_knows_how_large_scratch_is(name: str) -> None:
    variables = functions()[name]["Environment"]["Variables"]
    assert variables["SCRATCH_GIB"] == {"Ref": "ScratchGib"}


def test_who_gives_jobs_up_knows_the_limit_and_may_cancel() -> None:
    poll = functions()["PollJobFunction"]
    variables = poll["Environment"]["Variables"]
    assert variables["RUNNABLE_TIMEOUT_SECONDS"] == {"Ref": "RunnableTimeoutSeconds"}
    actions = [s["Action"] for policy in poll["Policies"] for s in policy["Statement"]]
    assert "batch:CancelJob" in actions


@pytest.mark.parametrize("name", of_type("AWS::Batch::JobDefinition"))
def test_a_deployment_leaves_the_definitions_of_submitted_jobs(name: str) -> None:
    definition = of_type("AWS::Batch::JobDefinition")[name]
    assert definition["ResourceRetentionPolicy"] == {"SkipDeregisterOnUpdate": True}


def _task(name: str, **parameters: str) -> dict[str, Any]:
    definitions = made_of_type("AWS::Batch::JobDefinition", EnableFpga="true", **parameters)
    (task,) = definitions[name]["EcsProperties"]["TaskProperties"]
    return dict(task)


def _mounts(name: str, **parameters: str) -> dict[str, str]:
    """Where the container of an FPGA job finds folders of its host."""
    task = _task(name, **parameters)
    folders = {v["Name"]: v["Host"]["SourcePath"] for v in task["Volumes"]}
    mounted = {m["SourceVolume"]: m["ContainerPath"] for m in task["Containers"][0]["MountPoints"]}
    assert folders.keys() == mounted.keys()
    return {folders[volume]: path for volume, path in mounted.items()}


def _from(name: str, where: str) -> dict[str, str]:
    return {f"{_kind(name)}DragenFrom": where}


def _kind(name: str) -> str:
    """``FpgaGenome`` of ``FpgaGenomeReadsJobDefinition``."""
    return re.sub(f"({'|'.join(REACHES)})JobDefinition$", "", name)


@pytest.mark.parametrize("name", FPGA_JOBS)
def test_dragen_gets_what_it_needs_of_its_host(name: str) -> None:
    task = _task(name)
    assert task["PidMode"] == "host"
    (container,) = task["Containers"]
    assert container["Name"] == FPGA_CONTAINER
    limits = {u["Name"]: u["HardLimit"] for u in container["Ulimits"]}
    assert limits == {"nofile": 720_000, "nproc": 16_384}
    assert [d["HostPath"] for d in container["LinuxParameters"]["Devices"]] == ["/dev/bus"]


@pytest.mark.parametrize("name", FPGA_JOBS)
def test_binaries_in_the_image_are_not_hidden_by_those_of_the_host(name: str) -> None:
    own = ("/scratch", "/dev/shm", "/run/seqdrop-host", "/run/seqdrop-requests")
    always = {path: path for path in own}
    assert _mounts(name) == _mounts(name, **_from(name, "image")) == always
    thin = always | {path: path for path in ("/opt/edico", "/var/lib/edico")}
    assert _mounts(name, **_from(name, "host")) == thin


def test_genomes_and_exomes_choose_for_themselves_where_dragen_is() -> None:
    genome, exome = FPGA_JOBS[0], FPGA_JOBS[-1]
    assert _mounts(exome, **_from(genome, "host")) == _mounts(exome)
    assert _mounts(genome, **_from(exome, "host")) == _mounts(genome)


@pytest.mark.parametrize("name", FPGA_JOBS)
def test_where_dragen_is_decides_a_result_s_key(name: str) -> None:
    environment = made(EnableFpga="true")["RegisterUploadFunction"]["Properties"]["Environment"]
    images = json.dumps(environment["Variables"]["IMAGES"])
    prefix = _kind(name)
    kind = prefix.replace("Fpga", "fpga-").lower()
    parts = [f"${{{prefix}{part}}}" for part in ("Image", "Ami", "DragenFrom")]
    assert f"{kind}={'|'.join(parts)}" in images


@pytest.mark.parametrize("name", FPGA_JOBS)
def test_a_licence_lies_in_memory_that_goes_with_its_container(name: str) -> None:
    """A killed runner removes nothing: no folder of the host may be where it wrote."""
    (container,) = _task(name)["Containers"]
    given = {v["Name"]: v["Value"] for v in container["Environment"]}
    (memory,) = container["LinuxParameters"]["Tmpfs"]
    assert memory["ContainerPath"] == given["SEQDROP_SECRETS"]
    assert memory["Size"] == 1
    for mounted in _mounts(name, **_from(name, "host")).values():
        assert not PurePosixPath(given["SEQDROP_SECRETS"]).is_relative_to(mounted)


def test_one_job_has_an_fpga_by_size_alone() -> None:
    """More than half a board's host, and less than all: Batch knows no FPGA to count."""
    library = Library(str(PROJECT / "pipelines"))
    pipelines = [library.pipeline(name) for name in library.pipeline_names()]
    stages = [s for p in [*pipelines, library.reference_indexes()] for s in p.stages.values()]
    asked = [
        (stage.size.vcpus_of(0), stage.size.memory_mib.of(0))
        for stage in stages
        if stage.queue.startswith("fpga-")
    ]
    for name in FPGA_JOBS:
        (container,) = _task(name)["Containers"]
        size = {r["Type"]: int(r["Value"]) for r in container["ResourceRequirements"]}
        asked.append((size["VCPU"], size["MEMORY"]))
    assert len(asked) >= 5
    for vcpus, memory_mib in asked:
        assert 12 < vcpus < 24
        assert 128 * 1024 < memory_mib < 250 * 1024


@pytest.mark.parametrize("name", FPGA_JOBS)
def test_a_licence_is_a_secret_and_counted_only_by_choice(name: str) -> None:
    assert "Secrets" not in _task(name)["Containers"][0]
    plain = made_of_type("AWS::Batch::JobDefinition", EnableFpga="true")[name]
    gate = {"ConsumableResource": {"Ref": f"{_kind(name)}Gate"}, "Quantity": 1}
    assert plain["ConsumableResourceProperties"]["ConsumableResourceList"] == [gate]
    given = {"EnableFpga": "true", "DragenLicences": "8", "DragenLicenceSecretArn": "arn:secret"}
    chosen = made_of_type("AWS::Batch::JobDefinition", **given)[name]
    (container,) = chosen["EcsProperties"]["TaskProperties"][0]["Containers"]
    assert container["Secrets"] == [
        {"Name": "DRAGEN_LICENCE", "ValueFrom": {"Ref": "DragenLicenceSecretArn"}}
    ]
    assert "DragenLicenceSecretArn" not in refers_to(container["Command"])
    counted = chosen["ConsumableResourceProperties"]["ConsumableResourceList"]
    assert counted == [gate, {"ConsumableResource": {"Ref": "DragenLicence"}, "Quantity": 1}]


def test_only_dragens_image_gets_the_licence_of_the_software_mode_and_keeps_it_in_memory() -> None:
    slot = f"Image{Library(str(PROJECT / 'pipelines')).images().slots.index('dragen') + 1}"
    secret = {"DragenSoftwareLicenceSecretArn": "arn:secret"}
    images = {f"Image{n}": f"i{n}=x@sha256:{'0' * 64}" for n in range(1, 9)}
    of_dragen = {f"{slot}{reach}JobDefinition" for reach in REACHES}
    for given, licensed in (({**images, **secret}, of_dragen), (images, set())):
        jobs = {
            name: definition["ContainerProperties"]
            for name, definition in made_of_type("AWS::Batch::JobDefinition", **given).items()
            if "ContainerProperties" in definition
        }
        assert len(jobs) == 9 * len(REACHES)
        assert {name for name, job in jobs.items() if "Secrets" in job} == licensed
        for name, job in jobs.items():
            variables = {v["Name"]: v["Value"] for v in job["Environment"]}
            memory = job["LinuxParameters"].get("Tmpfs", [])
            assert [m["ContainerPath"] for m in memory] == ["/run/seqdrop"] * (name in licensed)
            assert variables.get("SEQDROP_SECRETS") == ("/run/seqdrop" if memory else None)
            assert job["User"] == "65534:65534"


def test_the_licence_of_the_software_mode_can_be_read_by_what_starts_containers() -> None:
    def granted(**parameters: str) -> list[Any]:
        role = made(EnableFpga="false", **parameters)["ExecutionRole"]["Properties"]
        (policy,) = role["Policies"]
        statements = policy["PolicyDocument"]["Statement"]
        actions = ("secretsmanager:GetSecretValue", "kms:Decrypt")
        return [s["Resource"] for s in statements if s["Action"] in actions]

    secret = {"Ref": "DragenSoftwareLicenceSecretArn"}
    given = {"DragenSoftwareLicenceSecretArn": "arn:secret"}
    assert granted() == []
    assert granted(**given) == [secret]
    assert granted(**given, DragenLicenceKmsKeyArn="arn:key") == [
        secret, {"Ref": "DragenLicenceKmsKeyArn"},
    ]  # fmt: skip


def test_jobs_of_both_kinds_work_on_scratch_and_log_where_logs_expire() -> None:
    cpu = [
        definition["ContainerProperties"]
        for definition in of_type("AWS::Batch::JobDefinition").values()
        if "ContainerProperties" in definition
    ]
    assert len(cpu) == 9 * len(REACHES) + 1  # and head jobs
    containers = [*cpu, *(_task(n)["Containers"][0] for n in FPGA_JOBS)]
    for container in containers:
        assert {"Name": "SEQDROP_SCRATCH", "Value": "/scratch"} in container["Environment"]
        # Without it a job would ask S3 of us-east-1, wherever its buckets are.
        region = {"Name": "AWS_DEFAULT_REGION", "Value": {"Ref": "AWS::Region"}}
        assert region in container["Environment"]
        options = container["LogConfiguration"]["Options"]
        assert options["awslogs-group"] == {"Ref": "JobLogGroup"}


def _containers() -> dict[str, dict[str, Any]]:
    """The container of each job definition, with its task's volumes."""
    found = {
        name: definition["ContainerProperties"]
        for name, definition in of_type("AWS::Batch::JobDefinition").items()
        if "ContainerProperties" in definition
    }
    tasks = {name: _task(name) for name in FPGA_JOBS}
    return found | {n: {**t["Containers"][0], "Volumes": t["Volumes"]} for n, t in tasks.items()}


@pytest.mark.parametrize("name", of_type("AWS::Batch::JobDefinition"))
def test_a_job_reads_what_host_it_is_on_and_can_write_no_such_thing(name: str) -> None:
    """The host's program ends those jobs that have its folder mounted."""
    container = _containers()[name]
    environment = {v["Name"]: v["Value"] for v in container["Environment"] if "Name" in v}
    mounts = {m["SourceVolume"]: m for m in container["MountPoints"]}
    folders = {v["Name"]: v["Host"]["SourcePath"] for v in container["Volumes"]}
    defaults = dict(re.findall(r'add\("--(folder|requests)".*default="(.+?)"', HOST_PROGRAM))
    assert environment["SEQDROP_HOST"] == mounts["host"]["ContainerPath"] == folders["host"]
    assert folders["host"] == defaults["folder"]
    assert mounts["host"]["ReadOnly"] is True
    if name not in FPGA_JOBS:  # jobs of others run beside it
        assert "SEQDROP_REQUESTS" not in environment
        return
    asks = environment["SEQDROP_REQUESTS"]
    assert asks == mounts["requests"]["ContainerPath"] == folders["requests"]
    assert asks == defaults["requests"]
    assert not mounts["requests"].get("ReadOnly")


def test_a_licence_under_a_key_of_one_s_own_can_be_read_by_what_starts_containers() -> None:
    def granted(**parameters: str) -> list[dict[str, Any]]:
        role = made(EnableFpga="true", **parameters)["ExecutionRole"]["Properties"]
        (policy,) = role["Policies"]
        return [s for s in policy["PolicyDocument"]["Statement"] if s["Action"] == "kms:Decrypt"]

    secret = {"DragenLicenceSecretArn": "arn:secret"}
    assert granted(**secret) == granted() == []
    (grant,) = granted(**secret, DragenLicenceKmsKeyArn="arn:key")
    assert grant["Resource"] == {"Ref": "DragenLicenceKmsKeyArn"}
    service = grant["Condition"]["StringEquals"]["kms:ViaService"]["Fn::Sub"]
    assert service == "secretsmanager.${AWS::Region}.${AWS::URLSuffix}"


def test_every_log_group_expires_and_every_function_has_one() -> None:
    groups = {
        n: r["Properties"] for n, r in deployed().items() if r["Type"] == "AWS::Logs::LogGroup"
    }
    assert {str(g["RetentionInDays"]) for g in groups.values()} == {"{'Ref': 'LogRetentionDays'}"}
    for name, resource in deployed().items():
        if resource["Type"] == "AWS::Lambda::Function":
            group = target_of(resource["Properties"]["LoggingConfig"]["LogGroup"])
            own_name = resource["Properties"]["FunctionName"]["Fn::Sub"]
            assert groups[group]["LogGroupName"]["Fn::Sub"] == f"/aws/lambda/{own_name}", name
