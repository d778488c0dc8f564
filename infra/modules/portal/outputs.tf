output "load_balancer" {
  description = "The load balancer: a record of your DNS points the portal's host at it, as an alias or by its name."
  value       = { arn = aws_lb.portal.arn, dns_name = aws_lb.portal.dns_name, zone_id = aws_lb.portal.zone_id }
}

output "task_definition_arn" {
  description = "What the service runs."
  value       = aws_ecs_task_definition.portal.arn
}

output "service" {
  description = "Cluster and name of the service: aws ecs update-service --cluster … --service … --force-new-deployment."
  value       = { cluster = aws_ecs_service.portal.cluster, name = aws_ecs_service.portal.name }
}

output "security_group_id" {
  description = "Group of the task, for endpoints of your network that name whom they answer."
  value       = aws_security_group.task.id
}

output "log_group" {
  description = "What the portal said."
  value       = aws_cloudwatch_log_group.portal.name
}
