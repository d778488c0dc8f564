# Where the image is kept. It comes before the flows: they name an image by its digest, so one has to be there first.

resource "aws_ecr_repository" "this" {
  name = var.name

  # A tag that was pushed means the same image for good.
  image_tag_mutability = "IMMUTABLE"

  image_scanning_configuration {
    scan_on_push = true
  }

  encryption_configuration {
    encryption_type = "KMS"
  }
}

# What was never pushed whole goes; images that ran are kept, for an auditor may ask which program closed a month.
resource "aws_ecr_lifecycle_policy" "this" {
  repository = aws_ecr_repository.this.name

  policy = jsonencode({
    rules = [{
      rulePriority = 1
      description  = "Images without a tag, after a month"
      selection    = { tagStatus = "untagged", countType = "sinceImagePushed", countUnit = "days", countNumber = 30 }
      action       = { type = "expire" }
    }]
  })
}
