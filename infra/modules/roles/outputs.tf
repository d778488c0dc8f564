output "arns" {
  description = "ARN of each role by what it is for."
  value = merge(
    { for name, role in aws_iam_role.verb : name => role.arn },
    { for name, role in aws_iam_role.github : name => role.arn },
    { for name, role in aws_iam_role.image : name => role.arn },
  )

  # A role is no use before its policy is there.
  depends_on = [aws_iam_role_policy.verb, aws_iam_role_policy.image, aws_iam_role_policy_attachment.github]
}

output "names" {
  description = "Name of each role of the program, for modules that give it more."
  value       = { for name, role in aws_iam_role.verb : name => role.name }
}
