output "repository" {
  description = "Address and ARN: the workflow image pushes to the one, the flow module takes the other."
  value       = { url = aws_ecr_repository.this.repository_url, arn = aws_ecr_repository.this.arn }
}
