"""The IAM actions that a deployment needs, by type of resource.

The actions are those that CloudFormation's own handlers list for making a type, in AWS' published
resource schemas, without those for properties that the templates do not have; and those that IAM's
own tables make them depend on.
`batch:SetCapacityTags` is in that list too; Batch asks for it only where a compute environment of
ECS managed instances has capacity tags, and ours are of EC2 and have none.
"""

from collections.abc import Mapping, Sequence
from typing import Any

MAKING: Mapping[str, tuple[str, ...]] = {
    "AWS::Batch::ComputeEnvironment": (
        "batch:CreateComputeEnvironment", "batch:DescribeComputeEnvironments", "batch:TagResource",
        "iam:PassRole", "ec2:DescribeLaunchTemplateVersions",
    ),
    "AWS::Batch::ConsumableResource": ("batch:CreateConsumableResource", "batch:TagResource"),
    "AWS::Batch::JobDefinition": (
        "batch:RegisterJobDefinition", "batch:DescribeJobDefinitions", "batch:TagResource",
        "iam:PassRole",
    ),
    "AWS::Batch::JobQueue": (
        "batch:CreateJobQueue", "batch:DescribeJobQueues", "batch:TagResource",
    ),
    "AWS::DynamoDB::Table": (
        "dynamodb:CreateTable", "dynamodb:DescribeTable", "dynamodb:TagResource",
        "dynamodb:UpdateContinuousBackups", "dynamodb:DescribeContinuousBackups",
    ),
    "AWS::EC2::LaunchTemplate": ("ec2:CreateLaunchTemplate", "ec2:CreateTags"),
    "AWS::EC2::RouteTable": ("ec2:CreateRouteTable", "ec2:DescribeRouteTables", "ec2:CreateTags"),
    "AWS::EC2::SecurityGroup": (
        "ec2:CreateSecurityGroup", "ec2:DescribeSecurityGroups", "ec2:CreateTags",
        "ec2:AuthorizeSecurityGroupIngress", "ec2:AuthorizeSecurityGroupEgress",
        "ec2:RevokeSecurityGroupEgress",
    ),
    "AWS::EC2::Subnet": (
        "ec2:CreateSubnet", "ec2:DescribeSubnets", "ec2:ModifySubnetAttribute", "ec2:CreateTags",
    ),
    "AWS::EC2::SubnetRouteTableAssociation": ("ec2:AssociateRouteTable",),
    "AWS::EC2::VPC": (
        "ec2:CreateVpc", "ec2:DescribeVpcs", "ec2:DescribeVpcAttribute", "ec2:ModifyVpcAttribute",
        "ec2:CreateTags",
    ),
    "AWS::EC2::VPCEndpoint": (
        "ec2:CreateVpcEndpoint", "ec2:DescribeVpcEndpoints", "ec2:DescribeSubnets",
        "ec2:DescribeSecurityGroups", "ec2:DescribeVpcs", "ec2:CreateTags",
    ),
    "AWS::ECR::Repository": (
        "ecr:CreateRepository", "ecr:PutLifecyclePolicy", "ecr:TagResource",
    ),
    "AWS::Events::Rule": (
        "events:PutRule", "events:PutTargets", "events:DescribeRule", "events:TagResource",
    ),
    "AWS::IAM::InstanceProfile": (
        "iam:CreateInstanceProfile", "iam:GetInstanceProfile", "iam:AddRoleToInstanceProfile",
        "iam:PassRole",
    ),
    "AWS::IAM::Policy": ("iam:PutRolePolicy", "iam:GetRolePolicy"),
    "AWS::IAM::Role": (
        "iam:CreateRole", "iam:GetRole", "iam:PutRolePolicy", "iam:AttachRolePolicy", "iam:TagRole",
    ),
    "AWS::Lambda::EventInvokeConfig": (
        "lambda:PutFunctionEventInvokeConfig",
    ),
    "AWS::Lambda::EventSourceMapping": (
        "lambda:CreateEventSourceMapping", "lambda:GetEventSourceMapping", "lambda:TagResource",
    ),
    "AWS::Lambda::Function": (
        "lambda:CreateFunction", "lambda:GetFunction", "lambda:GetLayerVersion",
        "lambda:TagResource", "iam:PassRole", "s3:GetObject",
    ),
    "AWS::Lambda::LayerVersion": ("lambda:PublishLayerVersion", "s3:GetObject"),
    "AWS::Logs::LogGroup": (
        "logs:CreateLogGroup", "logs:DescribeLogGroups", "logs:PutRetentionPolicy",
        "logs:TagResource",
    ),
    "AWS::S3::Bucket": (
        "s3:CreateBucket", "s3:PutBucketTagging", "s3:PutEncryptionConfiguration",
        "s3:PutLifecycleConfiguration", "s3:PutBucketNotification", "s3:PutBucketVersioning",
        "s3:PutBucketPublicAccessBlock", "s3:PutBucketOwnershipControls",
    ),
    "AWS::S3::BucketPolicy": ("s3:PutBucketPolicy", "s3:GetBucketPolicy"),
    "AWS::Scheduler::Schedule": (
        "scheduler:CreateSchedule", "scheduler:GetSchedule", "iam:PassRole",
    ),
    "AWS::SQS::Queue": (
        "sqs:CreateQueue", "sqs:GetQueueUrl", "sqs:GetQueueAttributes", "sqs:TagQueue",
    ),
    "AWS::SQS::QueuePolicy": ("sqs:SetQueueAttributes",),
    "AWS::StepFunctions::StateMachine": (
        "states:CreateStateMachine", "states:DescribeStateMachine", "states:TagResource",
        "iam:PassRole", "s3:GetObject",
    ),
}  # fmt: skip

MAKING_WITH: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("AWS::EC2::VPCEndpoint", "PrivateDnsEnabled"): ("route53:AssociateVPCWithHostedZone",),
    ("AWS::S3::Bucket", "ObjectLockConfiguration"): ("s3:PutBucketObjectLockConfiguration",),
}  # fmt: skip
"""Further actions, where a resource has some property."""

DEPLOYING = (
    "cloudformation:CreateChangeSet", "cloudformation:DescribeChangeSet",
    "cloudformation:ExecuteChangeSet", "cloudformation:DescribeStacks",
    "cloudformation:DescribeStackEvents", "cloudformation:GetTemplateSummary",
    "s3:PutObject",
)  # fmt: skip
"""What `sam deploy` itself asks for; s3:PutObject is for the bucket that it keeps packages in."""

PUSHING = (
    "ecr:GetAuthorizationToken", "ecr:DescribeImages", "ecr:BatchCheckLayerAvailability",
    "ecr:InitiateLayerUpload", "ecr:UploadLayerPart", "ecr:CompleteLayerUpload", "ecr:PutImage",
    "ecr:BatchGetImage",
)  # fmt: skip
"""What pushing an image with Docker needs, and looking at what was pushed."""


def actions_for(
    resources: Sequence[Mapping[str, Any]], *, pushes: bool
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The actions for making some resources of a template, each once; and types not in MAKING."""
    has = {(str(one["Type"]), name) for one in resources for name in one.get("Properties", {})}
    types = sorted({str(one["Type"]) for one in resources})
    making = [action for each in types for action in MAKING.get(each, ())]
    making += [action for each, some in MAKING_WITH.items() if each in has for action in some]
    actions = dict.fromkeys([*DEPLOYING, *making, *(PUSHING if pushes else ())])
    return tuple(actions), tuple(each for each in types if each not in MAKING)
