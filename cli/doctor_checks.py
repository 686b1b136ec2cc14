"""What would stop a deployment: parameters, quotas, licence, and who may do what."""

from collections.abc import Iterator

from cli.account import Account, StackFacts
from cli.deployment import PLACEHOLDER, faults
from cli.findings import Finding, Wanted, fail, ok, warn
from cli.shell import Shell

FPGA_VCPUS = 24
_F_QUOTA = ("L-74FC7D96", "Running On-Demand F instances")
_STANDARD_QUOTA = ("L-1216C47A", "Running On-Demand Standard instances")
_SPOT_QUOTA = ("L-34B43A08", "All Standard Spot Instance Requests")
_LARGEST_CPU_JOB = 16
_DEPLOYER_NEEDS = (
    "cloudformation:CreateChangeSet", "iam:CreateRole", "iam:PassRole", "lambda:CreateFunction",
    "states:CreateStateMachine", "batch:CreateComputeEnvironment", "dynamodb:CreateTable",
    "s3:CreateBucket", "sqs:CreateQueue", "events:PutRule", "logs:CreateLogGroup",
    "lambda:PublishLayerVersion", "lambda:CreateEventSourceMapping", "batch:RegisterJobDefinition",
    "batch:CreateJobQueue", "iam:CreateInstanceProfile", "ec2:CreateLaunchTemplate",
    "ec2:CreateVpc", "ec2:CreateVpcEndpoint", "ecr:CreateRepository", "ecr:PutImage",
)  # fmt: skip


def check_parameters(wanted: Wanted, _: Account) -> Iterator[Finding]:
    """Would CloudFormation take every parameter?"""
    wrong = faults(wanted.declared, wanted.given)
    found = sorted(fault for fault in wrong if fault[0] not in wanted.built)
    for name, why in found:
        yield fail(f"{name}: {why}", "mend samconfig.toml, or give --parameter Name=value")
    if not found:
        yield ok(f"{len(wanted.given)} given, the others by default")


def check_programs(wanted: Wanted, shell: Shell) -> Iterator[Finding]:
    """Is there on this machine what `seqdrop deploy` calls?"""
    if shell.answers("make", "--silent", "lambda-python"):
        yield ok("Python 3.13, for `make build`")
    else:
        yield fail("`make build` needs Lambda's Python 3.13", "put python3.13 on PATH")
    if wanted.built and not shell.answers("docker", "info"):
        yield warn(
            f"no Docker engine answers: {', '.join(sorted(wanted.built))} can't be built here",
            "start one, unless ECR has the image of these sources already; or build it elsewhere "
            "with `seqdrop deploy --images-only`",
        )


def check_quotas(wanted: Wanted, account: Account) -> Iterator[Finding]:
    """May so many vCPUs run at once?"""
    cpus = wanted.number("MaxCpuVcpus")
    needs = [(*_SPOT_QUOTA, cpus, _LARGEST_CPU_JOB), (*_STANDARD_QUOTA, cpus, _LARGEST_CPU_JOB)]
    if wanted.has_fpga:
        needs.append((*_F_QUOTA, 2 * wanted.number("MaxFpgaVcpus"), FPGA_VCPUS))
    for code, name, most, least in needs:
        has = account.quota(code)
        says = f"{name} ({code}): {has:g} vCPUs, {most} wanted at the most"
        do = f"ask for {most} at Service Quotas; it can take days"
        if has < least:
            yield fail(f"{says}; the smallest job needs {least}", do)
        elif has < most:
            yield warn(f"{says}: samples will wait for each other", do)
        else:
            yield ok(says)


def check_licence(wanted: Wanted, account: Account) -> Iterator[Finding]:
    """Can DRAGEN get its licence, and is any left?"""
    if not wanted.has_fpga:
        return
    secret = wanted.parameters.get("DragenLicenceSecretArn", "")
    if not secret:
        yield warn("there is no DragenLicenceSecretArn", "right only if the AMI has its licence")
    elif secret.startswith(PLACEHOLDER):
        return
    elif account.has_secret(secret):
        yield ok("the licence's secret is there")
    else:
        yield fail(f"there is no secret {secret}", "store the licence in Secrets Manager")
    counted = wanted.stack.of("AWS::Batch::ConsumableResource") if wanted.stack else []
    for resource in counted:
        free, total = account.licences(resource.id)
        says = f"{free} of {total} DRAGEN licences are free"
        yield ok(says) if free else warn(says, "jobs wait until one is given back")


def check_roles(wanted: Wanted, account: Account) -> Iterator[Finding]:
    """May the deployer make what the template has, and may the jobs reach their buckets?"""
    if not account.has_role("AWSServiceRoleForEC2Spot"):
        yield warn(
            "the account has no service-linked role for Spot, so Spot hosts may not start",
            "aws iam create-service-linked-role --aws-service-name spot.amazonaws.com",
        )
    if wanted.stack is None:
        yield from _deployer(account)
        return
    for role in wanted.stack.of("AWS::IAM::Role"):
        if role.name.endswith("JobRole"):
            yield from _job_role(role.name, account.role_arn(role.id), wanted.stack, account)


def _deployer(account: Account) -> Iterator[Finding]:
    arn = account.identity()[1]
    if arn.endswith(":root"):
        yield warn("these are the root user's credentials", "deploy as a role")
        return
    if ":assumed-role/" in arn:
        arn = account.role_arn(arn.split("/")[1])
    denied = account.denied(arn, _DEPLOYER_NEEDS)
    if denied:
        yield warn(f"IAM's simulator would not let {arn} do {', '.join(denied)}", "ask for them")
    else:
        yield ok(f"{arn} may deploy")


def _job_role(name: str, arn: str, stack: StackFacts, account: Account) -> Iterator[Finding]:
    needs = {
        "UploadsBucket": "s3:GetObject",
        "ReferencesBucket": "s3:GetObject",
        "ResultsBucket": "s3:PutObject",
    }
    denied = [
        f"{action} in {stack.outputs[bucket]}"
        for bucket, action in needs.items()
        if account.denied(arn, [action], f"arn:aws:s3:::{stack.outputs[bucket]}/any/key")
    ]
    if denied:
        yield fail(f"{name} may not {', '.join(denied)}", "look for an organisation's policy")
    else:
        yield ok(f"{name} reaches its buckets")
