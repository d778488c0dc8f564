output "topics" {
  description = "ARN of each team's topic, and of the one for what is no team's: [daily.topics] of sources.toml, or CHARGEBACK_TOPICS."
  value       = { for team, topic in aws_sns_topic.team : team => topic.arn }

  # A topic is no use before its policy is there.
  depends_on = [aws_sns_topic_policy.team]
}

output "key_arn" {
  description = "Key that topics are encrypted with."
  value       = aws_kms_key.alerts.arn
}

output "monitors" {
  description = "ARN of each monitor by its name."
  value       = { for one in aws_ce_anomaly_monitor.team : one.name => one.arn }
}
