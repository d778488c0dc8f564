"""Catalog: what AWS sells to this estate, and how each thing looks in a report.

A service bundle is a few kinds of line item that come together, with the permille of money each
takes. Prices are list prices in shape, not in precision. `rows` says how many line items a kind has
in an hourly month
compared with others: AWS writes a great many rows for cheap requests and few for expensive
databases.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """One kind of line item.

    Args:
        rate: dollars for one unit of usage, text as AWS writes it.
        resource: the form of its resource ids, with {account}, {region}, {app}, {hex} and {n}; ""
            when AWS names no resource, which also means that nobody can tag it.
        profile: how usage moves over the month, see profiles.py.
        rows: weight of its line items; 0 for instances, whose rows follow from money and rate.
    """

    product_code: str
    usage_type: str
    operation: str
    unit: str
    rate: str
    permille: int
    resource: str
    profile: str
    rows: int
    family: str
    instance_type: str = ""
    description: str = ""


PRODUCT_NAMES = {
    "AmazonEC2": "Amazon Elastic Compute Cloud",
    "AmazonRDS": "Amazon Relational Database Service",
    "AmazonS3": "Amazon Simple Storage Service",
    "AmazonVPC": "Amazon Virtual Private Cloud",
    "AWSLambda": "AWS Lambda",
    "AmazonDynamoDB": "Amazon DynamoDB",
    "AmazonSageMaker": "Amazon SageMaker",
    "AmazonRedshift": "Amazon Redshift",
    "ElasticMapReduce": "Amazon EMR",
    "AWSGlue": "AWS Glue",
    "AmazonAthena": "Amazon Athena",
    "AmazonMSK": "Amazon Managed Streaming for Apache Kafka",
    "AmazonKinesis": "Amazon Kinesis",
    "AWSQueueService": "Amazon Simple Queue Service",
    "AmazonApiGateway": "Amazon API Gateway",
    "AmazonCloudFront": "Amazon CloudFront",
    "awswaf": "AWS WAF",
    "AmazonConnect": "Amazon Connect",
    "AmazonES": "Amazon OpenSearch Service",
    "AmazonCloudWatch": "Amazon CloudWatch",
    "AWSCloudTrail": "AWS CloudTrail",
    "AWSConfig": "AWS Config",
    "AmazonGuardDuty": "Amazon GuardDuty",
    "AWSSecurityHub": "AWS Security Hub",
    "awskms": "AWS Key Management Service",
    "AWSDirectConnect": "AWS Direct Connect",
    "AmazonRoute53": "Amazon Route 53",
    "AmazonElastiCache": "Amazon ElastiCache",
    "AmazonEKS": "Amazon Elastic Container Service for Kubernetes",
    "AmazonECS": "Amazon Elastic Container Service",
    "AWSBackup": "AWS Backup",
    "AmazonWorkSpaces": "Amazon WorkSpaces",
    "AmazonQuickSight": "Amazon QuickSight",
    "AmazonTextract": "Amazon Textract",
    "AmazonGlacier": "Amazon S3 Glacier",
    "AWSELB": "Elastic Load Balancing",
    "AWSSupportEnterprise": "AWS Support (Enterprise)",
    "ComputeSavingsPlans": "Savings Plans for AWS Compute usage",
    "MachineLearningSavingsPlans": "Savings Plans for AWS Machine Learning",
}  # fmt: skip

EC2 = "i-0{hex17}"
VOLUME = "vol-0{hex17}"
RDS = "arn:aws:rds:{region}:{account}:db:{app}-{n}"
BUCKET = "{app}-{account}-{n}"


def instance(
    product: str,
    usage_type: str,
    operation: str,
    rate: str,
    permille: int,
    resource: str,
    profile: str = "always",
) -> Kind:
    """A kind that is billed by the hour of an instance."""
    instance_type = usage_type.partition(":")[2]
    family = {"AmazonRDS": "Database Instance", "AmazonElastiCache": "Cache Instance"}
    return Kind(
        product, usage_type, operation, "Hrs", rate, permille, resource, profile, 0,
        family.get(product, "Compute Instance"), instance_type,
        f"${rate} per {instance_type} instance hour",
    )  # fmt: skip


BUNDLES: dict[str, tuple[Kind, ...]] = {
    "oracle": (
        instance("AmazonRDS", "Multi-AZUsage:db.r6i.16xlarge", "CreateDBInstance:0005",
                 "18.9120000000", 800, RDS),
        Kind("AmazonRDS", "RDS:Multi-AZ-PIOPS-Storage", "CreateDBInstance:0005", "GB-Mo",
             "0.2500000000", 120, RDS, "steady", 60, "Database Storage"),
        Kind("AmazonRDS", "RDS:Multi-AZ-PIOPS", "CreateDBInstance:0005", "IOPS-Mo",
             "0.2000000000", 80, RDS, "steady", 60, "Provisioned IOPS"),
    ),
    "aurora": (
        instance("AmazonRDS", "InstanceUsage:db.r6i.4xlarge", "CreateDBInstance:0021",
                 "2.3200000000", 780, RDS),
        Kind("AmazonRDS", "Aurora:StorageUsage", "CreateDBInstance:0021", "GB-Mo",
             "0.1000000000", 120, RDS, "steady", 40, "Database Storage"),
        Kind("AmazonRDS", "Aurora:StorageIOUsage", "CreateDBInstance:0021", "IOs",
             "0.0000002000", 100, RDS, "office", 260, "System Operation"),
    ),
    "ec2": (
        instance("AmazonEC2", "BoxUsage:m6i.8xlarge", "RunInstances", "1.5360000000", 620, EC2),
        instance("AmazonEC2", "BoxUsage:r6i.4xlarge", "RunInstances", "1.0080000000", 180, EC2,
                 "office"),
        Kind("AmazonEC2", "EBS:VolumeUsage.gp3", "CreateVolume-Gp3", "GB-Mo", "0.0800000000", 120,
             VOLUME, "steady", 220, "Storage"),
        Kind("AmazonEC2", "EBS:SnapshotUsage", "CreateSnapshot", "GB-Mo", "0.0500000000", 30,
             "arn:aws:ec2:{region}:{account}:snapshot/snap-0{hex17}", "steady", 80,
             "Storage Snapshot"),
        Kind("AmazonEC2", "DataTransfer-Regional-Bytes", "InterZone-In", "GB", "0.0100000000", 20,
             EC2, "requests", 420, "Data Transfer"),
        Kind("AmazonEC2", "DataTransfer-Out-Bytes", "RunInstances", "GB", "0.0900000000", 30,
             "", "requests", 300, "Data Transfer"),
    ),
    "gpu": (
        instance("AmazonEC2", "BoxUsage:p4d.24xlarge", "RunInstances", "32.7726000000", 940, EC2,
                 "burst"),
        Kind("AmazonEC2", "EBS:VolumeUsage.gp3", "CreateVolume-Gp3", "GB-Mo", "0.0800000000", 60,
             VOLUME, "steady", 80, "Storage"),
    ),
    "spot": (
        instance("AmazonEC2", "SpotUsage:c6i.8xlarge", "RunInstances:SV006", "0.5440000000", 900,
                 EC2, "night"),
        Kind("AmazonEC2", "EBS:VolumeUsage.gp3", "CreateVolume-Gp3", "GB-Mo", "0.0800000000", 100,
             VOLUME, "night", 100, "Storage"),
    ),
    "s3": (
        Kind("AmazonS3", "TimedStorage-ByteHrs", "StandardStorage", "GB-Mo", "0.0230000000", 860,
             BUCKET, "steady", 160, "Storage"),
        Kind("AmazonS3", "Requests-Tier1", "PutObject", "Requests", "0.0000050000", 90, BUCKET,
             "requests", 900, "API Request"),
        Kind("AmazonS3", "Requests-Tier2", "GetObject", "Requests", "0.0000004000", 50, BUCKET,
             "requests", 1200, "API Request"),
    ),
    "glacier": (
        Kind("AmazonS3", "TimedStorage-GDA-ByteHrs", "DeepArchiveStorage", "GB-Mo",
             "0.0009900000", 900, BUCKET, "steady", 120, "Storage"),
        Kind("AmazonGlacier", "Requests-Tier1", "UploadArchive", "Requests", "0.0000500000", 100,
             "arn:aws:glacier:{region}:{account}:vaults/{app}-{n}", "requests", 200, "API Request"),
    ),
    "network": (
        Kind("AmazonEC2", "NatGateway-Hours", "NatGateway", "Hrs", "0.0450000000", 150,
             "arn:aws:ec2:{region}:{account}:natgateway/nat-0{hex17}", "always", 160,
             "NAT Gateway"),
        Kind("AmazonEC2", "NatGateway-Bytes", "NatGateway", "GB", "0.0450000000", 450,
             "arn:aws:ec2:{region}:{account}:natgateway/nat-0{hex17}", "requests", 200,
             "NAT Gateway"),
        Kind("AWSELB", "LoadBalancerUsage", "LoadBalancing:Application", "Hrs", "0.0225000000", 180,
             "arn:aws:elasticloadbalancing:{region}:{account}:loadbalancer/app/{app}/{hex16}",
             "always", 160, "Load Balancer-Application"),
        Kind("AmazonVPC", "PublicIPv4:InUseAddress", "AllocateAddressVPC", "Hrs", "0.0050000000",
             220, "arn:aws:ec2:{region}:{account}:network-interface/eni-0{hex17}", "always", 240,
             "VPC Public IPv4 Address"),
    ),
    "transit": (
        Kind("AmazonVPC", "TransitGateway-Hours", "TransitGatewayVPC", "hour", "0.0500000000", 250,
             "arn:aws:ec2:{region}:{account}:transit-gateway-attachment/tgw-attach-0{hex17}",
             "always", 900, "Transit Gateway"),
        Kind("AmazonVPC", "TransitGateway-Bytes", "TransitGatewayVPC", "GigaBytes", "0.0200000000",
             550, "arn:aws:ec2:{region}:{account}:transit-gateway-attachment/tgw-attach-0{hex17}",
             "requests", 600, "Transit Gateway"),
        Kind("AWSDirectConnect", "HCPortUsage:10G", "CreateConnection:Hosted", "Hrs",
             "2.2500000000", 200, "arn:aws:directconnect:{region}:{account}:dxcon/dxcon-{hex8}",
             "always", 400, "Direct Connect"),
    ),
    "dns": (
        Kind("AmazonRoute53", "DNS-Queries", "A", "Queries", "0.0000004000", 1000, "", "requests",
             500, "DNS Query"),
    ),
    "lambda": (
        Kind("AWSLambda", "Lambda-GB-Second", "Invoke", "Lambda-GB-Second", "0.0000166667", 880,
             "arn:aws:lambda:{region}:{account}:function:{app}-{n}", "requests", 500, "Serverless"),
        Kind("AWSLambda", "Request", "Invoke", "Requests", "0.0000002000", 120,
             "arn:aws:lambda:{region}:{account}:function:{app}-{n}", "requests", 700, "Serverless"),
    ),
    "dynamodb": (
        Kind("AmazonDynamoDB", "ReadRequestUnits", "PayPerRequestThroughput", "ReadRequestUnits",
             "0.0000001250", 380, "arn:aws:dynamodb:{region}:{account}:table/{app}-{n}",
             "requests", 300, "Amazon DynamoDB PayPerRequest Throughput"),
        Kind("AmazonDynamoDB", "WriteRequestUnits", "PayPerRequestThroughput", "WriteRequestUnits",
             "0.0000006250", 420, "arn:aws:dynamodb:{region}:{account}:table/{app}-{n}",
             "requests", 300, "Amazon DynamoDB PayPerRequest Throughput"),
        Kind("AmazonDynamoDB", "TimedStorage-ByteHrs", "StandardStorage", "GB-Mo", "0.2500000000",
             200, "arn:aws:dynamodb:{region}:{account}:table/{app}-{n}", "steady", 60,
             "Database Storage"),
    ),
    "training": (
        instance("AmazonSageMaker", "USE1-Train:ml.p4d.24xlarge", "RunInstance", "37.6890000000",
                 900, "arn:aws:sagemaker:{region}:{account}:training-job/{app}-{n}", "burst"),
        instance("AmazonSageMaker", "USE1-Notebk:ml.m5.2xlarge", "RunInstance", "0.4610000000", 100,
                 "arn:aws:sagemaker:{region}:{account}:notebook-instance/{app}-{n}", "office"),
    ),
    "hosting": (
        instance("AmazonSageMaker", "USE1-Host:ml.g5.4xlarge", "RunInstance", "2.0300000000", 1000,
                 "arn:aws:sagemaker:{region}:{account}:endpoint/{app}-{n}"),
    ),
    "redshift": (
        instance("AmazonRedshift", "Node:ra3.16xlarge", "RunComputeNode:0001", "13.0400000000", 850,
                 "arn:aws:redshift:{region}:{account}:cluster:{app}-{n}"),
        Kind("AmazonRedshift", "RMS:ra3.16xlarge", "CreateCluster", "GB-Mo", "0.0240000000", 150,
             "arn:aws:redshift:{region}:{account}:namespace:{hex16}", "steady", 60,
             "Redshift Managed Storage"),
    ),
    "glue": (
        Kind("AWSGlue", "USE1-ETL-DPU-Hour", "Jobrun", "DPU-Hour", "0.4400000000", 950,
             "arn:aws:glue:{region}:{account}:job/{app}-{n}", "night", 200, "AWS Glue"),
        Kind("AWSGlue", "USE1-Catalog-Request", "Request", "Request", "0.0000010000", 50, "",
             "requests", 200, "AWS Glue"),
    ),
    "athena": (
        Kind("AmazonAthena", "USE1-DataScannedInTB", "ExecuteQuery", "Terabytes", "5.0000000000",
             1000, "arn:aws:athena:{region}:{account}:workgroup/{app}", "office", 150,
             "Athena Queries"),
    ),
    "emr": (
        Kind("ElasticMapReduce", "BoxUsage:r6i.8xlarge", "RunInstances", "Hrs", "0.5040000000",
             1000, "arn:aws:elasticmapreduce:{region}:{account}:cluster/j-{hex13}", "night", 240,
             "Elastic Map Reduce Instance", "r6i.8xlarge"),
    ),
    "kafka": (
        instance("AmazonMSK", "USE1-Kafka.m5.4xlarge", "RunBroker", "1.6800000000", 800,
                 "arn:aws:kafka:{region}:{account}:cluster/{app}/{hex16}"),
        Kind("AmazonMSK", "USE1-Kafka.Storage.GP2", "RunVolume", "GB-Mo", "0.1000000000", 200,
             "arn:aws:kafka:{region}:{account}:cluster/{app}/{hex16}", "steady", 60, "Storage"),
    ),
    "messages": (
        Kind("AWSQueueService", "Requests-Tier1", "SendMessage", "Requests", "0.0000004000", 600,
             "arn:aws:sqs:{region}:{account}:{app}-{n}", "requests", 600, "API Request"),
        Kind("AmazonKinesis", "Storage-ShardHour", "shardHourStorage", "ShardHour", "0.0150000000",
             400, "arn:aws:kinesis:{region}:{account}:stream/{app}-{n}", "always", 160,
             "Kinesis Streams"),
    ),
    "web": (
        Kind("AmazonCloudFront", "US-DataTransfer-Out-Bytes", "GET", "GB", "0.0850000000", 600,
             "arn:aws:cloudfront::{account}:distribution/E{hex13}", "requests", 260,
             "Data Transfer"),
        Kind("AmazonCloudFront", "US-Requests-Tier2-HTTPS", "GET", "Requests", "0.0000010000", 150,
             "arn:aws:cloudfront::{account}:distribution/E{hex13}", "requests", 400, "Request"),
        Kind("awswaf", "USE1-RequestV2-Tier1", "", "Requests", "0.0000006000", 100,
             "arn:aws:wafv2:{region}:{account}:global/webacl/{app}/{hex16}", "requests", 200,
             "Web Application Firewall"),
        Kind("AmazonApiGateway", "USE1-ApiGatewayRequest", "ApiGatewayRequest", "Requests",
             "0.0000035000", 150, "arn:aws:apigateway:{region}::/restapis/{hex8}/stages/prod",
             "requests", 400, "API Calls"),
    ),
    "connect": (
        Kind("AmazonConnect", "USE1-chat-message", "", "message", "0.0040000000", 150,
             "arn:aws:connect:{region}:{account}:instance/{hex16}", "office", 300,
             "Contact Center"),
        Kind("AmazonConnect", "USE1-voice-usage-mins", "", "minutes", "0.0180000000", 850,
             "arn:aws:connect:{region}:{account}:instance/{hex16}", "office", 500,
             "Contact Center"),
    ),
    "search": (
        instance("AmazonES", "ESInstance:r6g.4xlarge.search", "ESDomain", "1.3390000000", 820,
                 "arn:aws:es:{region}:{account}:domain/{app}-{n}"),
        Kind("AmazonES", "ES:GP3-Storage", "ESDomain", "GB-Mo", "0.1220000000", 180,
             "arn:aws:es:{region}:{account}:domain/{app}-{n}", "steady", 60, "Storage"),
    ),
    "logs": (
        Kind("AmazonCloudWatch", "DataProcessing-Bytes", "PutLogEvents", "GB", "0.5000000000", 800,
             "arn:aws:logs:{region}:{account}:log-group:/{app}/{n}", "requests", 500,
             "Data Payload"),
        Kind("AmazonCloudWatch", "CW:Requests", "GetMetricData", "Metrics", "0.0000100000", 60, "",
             "requests", 400, "API Request"),
        Kind("AmazonCloudWatch", "CW:MetricMonitorUsage", "MetricStorage", "Metrics",
             "0.3000000000", 140, "", "steady", 120, "Metric"),
    ),
    "audit": (
        Kind("AWSCloudTrail", "USE1-PaidEventsRecorded", "None", "Events", "0.0000200000", 300, "",
             "requests", 300, "Management Tools - AWS CloudTrail Paid Events Recorded"),
        Kind("AWSConfig", "USE1-ConfigurationItemRecorded", "None", "ConfigurationItemRecorded",
             "0.0030000000", 400, "", "requests", 300, "Management Tools - AWS Config"),
        Kind("awskms", "us-east-1-KMS-Requests", "Decrypt", "Requests", "0.0000030000", 300, "",
             "requests", 500, "Encryption Key"),
        Kind("AWSCloudTrail", "USE1-FreeEventsRecorded", "None", "Events", "0.0000000000", 0, "",
             "requests", 400, "Management Tools - AWS CloudTrail Free Events Recorded"),
    ),
    "threats": (
        Kind("AmazonGuardDuty", "USE1-PaidEventsAnalyzed-Bytes", "VPCFlowLogs", "GB",
             "1.0000000000", 700, "", "requests", 400, "Security Services"),
        Kind("AWSSecurityHub", "USE1-PaidComplianceCheck", "", "Checks", "0.0010000000", 300, "",
             "steady", 300, "Security Services"),
    ),
    "cache": (
        instance("AmazonElastiCache", "NodeUsage:cache.r6g.2xlarge", "CreateCacheCluster:0002",
                 "0.8220000000", 1000,
                 "arn:aws:elasticache:{region}:{account}:cluster:{app}-{n}"),
    ),
    "kubernetes": (
        Kind("AmazonEKS", "AmazonEKS-Hours:perCluster", "CreateOperation", "Hours", "0.1000000000",
             30, "arn:aws:eks:{region}:{account}:cluster/{app}", "always", 100, "Compute"),
        Kind("AmazonEC2", "BoxUsage:m6i.4xlarge", "RunInstances", "Hrs", "0.7680000000", 970, EC2,
             "always", 0, "Compute Instance", "m6i.4xlarge"),
    ),
    "fargate": (
        Kind("AmazonECS", "USE1-Fargate-vCPU-Hours:perCPU", "FargateTask", "hours", "0.0404800000",
             800, "arn:aws:ecs:{region}:{account}:task/{app}/{hex16}", "office", 400, "Compute"),
        Kind("AmazonECS", "USE1-Fargate-GB-Hours", "FargateTask", "hours", "0.0044450000", 200,
             "arn:aws:ecs:{region}:{account}:task/{app}/{hex16}", "office", 400, "Compute"),
    ),
    "backup": (
        Kind("AWSBackup", "WarmStorage-ByteHrs-RDS", "Storage", "GB-Mo", "0.0950000000", 1000,
             "arn:aws:backup:{region}:{account}:recovery-point:{hex16}", "steady", 120, "Storage"),
    ),
    "desktops": (
        Kind("AmazonWorkSpaces", "USE1-AW-HW-3-AutoStop-Usage", "CreateWorkspace", "Hour",
             "0.4300000000", 1000, "arn:aws:workspaces:{region}:{account}:workspace/ws-{hex8}",
             "office", 500, "Enterprise Applications"),
    ),
    "dashboards": (
        Kind("AmazonQuickSight", "QS-Enterprise-Reader", "QS-Enterprise-Reader", "Sessions",
             "0.3000000000", 1000, "", "office", 100, "Quicksight User"),
    ),
    "documents": (
        Kind("AmazonTextract", "USE1-AsyncFormsPagesProcessed", "AnalyzeDocument", "Pages",
             "0.0500000000", 1000, "", "office", 300, "AmazonTextract"),
    ),
}  # fmt: skip
