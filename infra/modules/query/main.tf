# How the report is read where it lies: a table over it, and a workgroup that stops what scans too much (docs/athena.md).

data "aws_caller_identity" "this" {}

locals {
  report = trimsuffix(var.report_location, "/")
  books  = trimsuffix(var.books_location, "/")

  # A period's partition is known from its name: nothing crawls, and a delivery is readable as soon as it is there.
  projection = {
    "EXTERNAL"                                = "TRUE"
    "projection.enabled"                      = "true"
    "projection.billing_period.type"          = "date"
    "projection.billing_period.format"        = "yyyy-MM"
    "projection.billing_period.interval"      = "1"
    "projection.billing_period.interval.unit" = "MONTHS"
  }

  parquet = {
    input  = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"
    output = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"
    serde  = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
  }
}

resource "aws_glue_catalog_database" "billing" {
  name        = var.database
  description = "The report and the ledger of chargeback"
}

resource "aws_glue_catalog_table" "cur2" {
  database_name = aws_glue_catalog_database.billing.name
  name          = "cur2"
  description   = "The Cost and Usage Report 2.0 as AWS delivers it; CUR=athena reads it"
  table_type    = "EXTERNAL_TABLE"

  parameters = merge(local.projection, {
    "projection.billing_period.range" = "${var.first_period},NOW"
    "storage.location.template"       = "${local.report}/data/BILLING_PERIOD=$${billing_period}"
  })

  partition_keys {
    name = "billing_period"
    type = "string"
  }

  storage_descriptor {
    location      = "${local.report}/data/"
    input_format  = local.parquet.input
    output_format = local.parquet.output

    ser_de_info {
      serialization_library = local.parquet.serde
    }

    dynamic "columns" {
      for_each = local.report_columns

      content {
        name = columns.value.name
        type = columns.value.type
      }
    }
  }
}

resource "aws_glue_catalog_table" "ledger" {
  database_name = aws_glue_catalog_database.billing.name
  name          = "chargeback_ledger"
  description   = "Postings of closed periods; make ledger-table prints the same table"
  table_type    = "EXTERNAL_TABLE"

  parameters = merge(local.projection, {
    "projection.billing_period.range" = "2018-01,NOW"
    "storage.location.template"       = "${local.books}/postings/billing_period=$${billing_period}/"
  })

  partition_keys {
    name = "billing_period"
    type = "string"
  }

  storage_descriptor {
    location      = "${local.books}/postings/"
    input_format  = local.parquet.input
    output_format = local.parquet.output

    ser_de_info {
      serialization_library = local.parquet.serde
    }

    dynamic "columns" {
      for_each = local.ledger_columns

      content {
        name = columns.value.name
        type = columns.value.type
      }
    }
  }
}

resource "aws_glue_catalog_table" "metrics" {
  database_name = aws_glue_catalog_database.billing.name
  name          = "chargeback_metrics"
  description   = "Quantities that closed periods told unit costs by; make ledger-table prints the same table"
  table_type    = "EXTERNAL_TABLE"

  parameters = merge(local.projection, {
    "projection.billing_period.range" = "2018-01,NOW"
    "storage.location.template"       = "${local.books}/metrics/billing_period=$${billing_period}/"
  })

  partition_keys {
    name = "billing_period"
    type = "string"
  }

  storage_descriptor {
    location      = "${local.books}/metrics/"
    input_format  = local.parquet.input
    output_format = local.parquet.output

    ser_de_info {
      serialization_library = local.parquet.serde
    }

    dynamic "columns" {
      for_each = local.metrics_columns

      content {
        name = columns.value.name
        type = columns.value.type
      }
    }
  }
}

module "results" {
  source = "../bucket"

  name        = var.results_bucket
  key         = { arn = var.key_arn }
  log         = { bucket = var.log_bucket }
  expire_days = var.results_days
}

resource "aws_athena_workgroup" "close" {
  name        = var.name
  description = "Queries of the close: where results go and when a query is stopped is decided here, not by who asks"
  state       = "ENABLED"

  configuration {
    enforce_workgroup_configuration    = true
    bytes_scanned_cutoff_per_query     = var.cutoff_bytes
    publish_cloudwatch_metrics_enabled = true
    requester_pays_enabled             = false

    result_configuration {
      output_location       = "s3://${module.results.name}/close/"
      expected_bucket_owner = data.aws_caller_identity.this.account_id

      encryption_configuration {
        encryption_option = "SSE_KMS"
        kms_key_arn       = var.key_arn
      }
    }
  }
}
