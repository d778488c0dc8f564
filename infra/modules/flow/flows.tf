# The flows. Each is the same state machine (flow.asl.json.tftpl) with steps of its own; a step is one verb in one task.
#
#   close     starts on the last minute of a month and waits; asks for it until it is final, then closes it
#   daily     starts on the last minute of a day and waits; looks at that day, at what is late, and at what has drifted
#   drill     starts in the middle of a month; rehearses the loss of the books on a copy
#   handout   starts by hand, once a prepared month is approved

locals {
  flows = {
    close = {
      named_by = "period"
      schedule = "cron(59 23 L * ? *)"
      settle   = var.settle_hours.close
      steps = concat(
        [{ name = "monthly-close", command = ["monthly-close", "--handout", "no"], cur = var.cur.close, role = "close", stops = true, about_platform = false }],
        var.approvers ? [] : [local.handout],
        [local.verify],
      )
    }
    daily = {
      named_by = "date"
      schedule = "cron(59 23 * * ? *)"
      settle   = var.settle_hours.daily
      steps = [
        { name = "daily", command = ["daily"], cur = var.cur.daily, role = "daily", stops = false, about_platform = false },
        { name = "freshness", command = ["freshness"], cur = var.cur.daily, role = "daily", stops = false, about_platform = false },
        { name = "posture", command = ["posture"], cur = var.cur.close, role = "posture", stops = false, about_platform = true },
      ]
    }
    drill = {
      named_by = "date"
      schedule = "cron(59 23 15 * ? *)"
      settle   = 0
      steps    = [{ name = "drill", command = ["drill"], cur = var.cur.daily, role = "close", stops = true, about_platform = true }]
    }
    handout = {
      named_by = "period"
      schedule = null
      settle   = 0
      steps    = [local.handout, local.verify]
    }
  }

  # What is handed out is made of the books alone; pages of dashboards, which follow, show the report's resources and tags as well.
  handout = { name = "handout", command = ["handout"], cur = var.cur.daily, role = "close", stops = true, about_platform = false }
  verify  = { name = "verify", command = ["verify"], cur = "", role = "rendering", stops = true, about_platform = false }
}

resource "aws_sfn_state_machine" "flow" {
  #checkov:skip=CKV_AWS_284:A trace of a machine that starts tasks of hours says no more than its history.
  for_each = local.flows

  name     = "${var.name}-${each.key}"
  role_arn = aws_iam_role.own["states"].arn

  definition = templatefile("${path.module}/flow.asl.json.tftpl", {
    flow              = each.key
    named_by          = each.value.named_by
    partition         = local.partition
    table             = aws_dynamodb_table.flow.name
    cluster           = aws_ecs_cluster.this.arn
    task_definition   = aws_ecs_task_definition.this.arn
    container         = local.container
    log_group         = aws_cloudwatch_log_group.tasks.name
    subnets           = jsonencode(var.subnet_ids)
    security_groups   = jsonencode([aws_security_group.tasks.id])
    decisions_topic   = aws_sns_topic.told["decisions"].arn
    operations_topic  = aws_sns_topic.told["operations"].arn
    settle_seconds    = each.value.settle * 3600
    ask_again_seconds = var.ask_again.hours * 3600
    ask_times         = var.ask_again.times
    retry_seconds     = var.retry.minutes * 60
    retry_times       = var.retry.times
    timeout_seconds   = var.timeout_hours * 3600
    service_retry = jsonencode([
      { ErrorEquals = ["States.ALL"], IntervalSeconds = 5, MaxAttempts = 6, BackoffRate = 2, JitterStrategy = "FULL" },
    ])
    steps = jsonencode([
      for one in each.value.steps : {
        name           = one.name
        command        = one.command
        cur            = one.cur
        stops          = one.stops
        about_platform = one.about_platform
        task_role_arn  = var.task_role_arns[one.role]
      }
    ])
  })

  logging_configuration {
    level                  = "ALL"
    include_execution_data = true # periods, exit codes and ARNs; no figure comes here
    log_destination        = "${aws_cloudwatch_log_group.states.arn}:*"
  }
}

resource "aws_scheduler_schedule" "flow" {
  #checkov:skip=CKV_AWS_297:What is encrypted is the time, which stands in the expression too.
  for_each = { for name, one in local.flows : name => one if one.schedule != null }

  name                         = "${var.name}-${each.key}"
  description                  = "Starts ${each.key} on the last minute of what it looks at"
  schedule_expression          = each.value.schedule
  schedule_expression_timezone = "UTC"
  state                        = var.enabled ? "ENABLED" : "DISABLED"

  # Billing periods are UTC, and the day is taken from this time: it must not move.
  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = aws_sfn_state_machine.flow[each.key].arn
    role_arn = aws_iam_role.own["scheduler"].arn
    input    = jsonencode({ date = "<aws.scheduler.scheduled-time>", scheduled = true })

    retry_policy {
      maximum_event_age_in_seconds = 21600
      maximum_retry_attempts       = 30
    }
  }
}
