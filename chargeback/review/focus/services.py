"""Services: what FOCUS calls the category of an AWS product.

The categories and subcategories are FOCUS's own closed lists; which one a product belongs to is ours. A product
that is not named here is "Other", which says no more than is known.
"""

from __future__ import annotations

OTHER = "Other"

#: FOCUS's service category -> AWS's product codes in it.
_CATEGORIES = {
    "AI and Machine Learning": (
        "AmazonSageMaker", "AmazonBedrock", "AmazonTextract", "AmazonRekognition", "AmazonPolly",
        "AmazonLex", "comprehend", "translate", "transcribe", "AmazonPersonalize", "AmazonForecast",
        "MachineLearningSavingsPlans",
    ),
    "Analytics": (
        "AmazonAthena", "AmazonRedshift", "AWSGlue", "ElasticMapReduce", "AmazonQuickSight",
        "AmazonKinesis", "AmazonKinesisFirehose", "AmazonES", "AWSLakeFormation", "AmazonMSK",
    ),
    "Business Applications": ("AmazonConnect", "AmazonSES", "AmazonWorkMail", "AmazonChime"),
    "Compute": (
        "AmazonEC2", "AWSLambda", "AmazonECS", "AmazonEKS", "AmazonECR", "AWSBatch",
        "AmazonLightsail", "ComputeSavingsPlans", "AWSAppRunner",
    ),
    "Databases": (
        "AmazonRDS", "AmazonDynamoDB", "AmazonElastiCache", "AmazonDocDB", "AmazonNeptune",
        "AmazonTimestream", "AmazonMemoryDB", "DatabaseSavingsPlans",
    ),
    "Developer Tools": ("CodeBuild", "AWSCodePipeline", "AWSCodeArtifact", "AWSXRay"),
    "End User Computing": ("AmazonWorkSpaces", "AmazonAppStream"),
    "Identity": ("AWSDirectoryService", "AmazonCognito"),
    "Integration": (
        "AWSQueueService", "AmazonSNS", "AmazonMQ", "AWSEvents", "AmazonStates", "AmazonApiGateway",
        "AWSAppSync",
    ),
    "Management and Governance": (
        "AmazonCloudWatch", "AWSCloudTrail", "AWSConfig", "AWSSystemsManager", "AWSCostExplorer",
        "AWSServiceCatalog", "AWSSupportEnterprise", "AWSSupportBusiness", "AWSSupportDeveloper",
        "OCBPremiumSupport",
    ),
    "Migration": ("AWSDatabaseMigrationSvc", "AWSDataSync", "AWSTransfer"),
    "Networking": (
        "AmazonVPC", "AWSELB", "AmazonCloudFront", "AmazonRoute53", "AWSDirectConnect",
        "AWSGlobalAccelerator", "AWSDataTransfer",
    ),
    "Security": (
        "awskms", "awswaf", "AmazonGuardDuty", "AWSSecurityHub", "AmazonInspectorV2",
        "AmazonMacie", "AWSSecretsManager", "AWSShield", "AmazonDetective", "AWSCertificateManager",
    ),
    "Storage": (
        "AmazonS3", "AmazonGlacier", "AmazonEFS", "AmazonFSx", "AWSBackup", "AWSStorageGateway",
    ),
}  # fmt: skip
_BY_PRODUCT = {code: name for name, codes in _CATEGORIES.items() for code in codes}


def service_category(product_code: str | None) -> str:
    """FOCUS's service category of a product.

    >>> service_category("AmazonS3"), service_category("4wq1lakehouse9pxt2c7d0m5ehs")
    ('Storage', 'Other')
    """
    return _BY_PRODUCT.get(product_code or "", OTHER)


def service_subcategory(category: str) -> str:
    """FOCUS's subcategory for what is known to be of a category, and not of which part of it.

    >>> service_subcategory("Storage"), service_subcategory(OTHER)
    ('Other (Storage)', 'Other (Other)')
    """
    return f"Other ({category})"
