output "state_machine_arns" {
  description = "The flows, to start by hand: aws stepfunctions start-execution --input '{\"date\": \"2026-05-31\"}'."
  value       = { for name, one in aws_sfn_state_machine.flow : name => one.arn }
}

output "topic_arns" {
  description = "Where it is told: decisions and operations, to subscribe people and tools to."
  value       = { for name, one in aws_sns_topic.told : name => one.arn }
}

output "state_tables" {
  description = "State of the flows' steps, and of the daily flow: names and ARNs."
  value = {
    flow  = { name = aws_dynamodb_table.flow.name, arn = aws_dynamodb_table.flow.arn }
    daily = { name = aws_dynamodb_table.daily.name, arn = aws_dynamodb_table.daily.arn }
  }
}

output "log_group" {
  description = "What the program said."
  value       = { name = aws_cloudwatch_log_group.tasks.name, arn = aws_cloudwatch_log_group.tasks.arn }
}

output "key_arn" {
  description = "Key of state, messages and logs: the role of the daily run and that of the execution need it."
  value       = aws_kms_key.flow.arn
}

output "cluster_arn" {
  description = "Where tasks run."
  value       = aws_ecs_cluster.this.arn
}

output "role_arns" {
  description = "Roles that services take: execution starts a task, schedule a flow, states is the flows' own."
  value       = { for service, role in aws_iam_role.own : local.roles[service] => role.arn }

  # A role is no use before its policy is there.
  depends_on = [aws_iam_role_policy.own]
}
