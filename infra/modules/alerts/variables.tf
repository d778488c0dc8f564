variable "name" {
  description = "What names of resources begin with."
  type        = string
}

variable "teams" {
  description = "Accounts by the team that owns them, as accounts.csv has it; accounts without a team under the name default. Each team gets a topic and is told of anomalies in its accounts."
  type        = map(list(string))

  validation {
    condition     = length(distinct([for one in concat(keys(var.teams), ["default"]) : replace(lower(one), "/[^a-z0-9_-]+/", "-")])) == length(distinct(concat(keys(var.teams), ["default"])))
    error_message = "Two teams whose names differ in case and signs alone would get one topic: give one of them another name."
  }
}

variable "tags" {
  description = "Values of cost allocation tags that are watched, and which team is told: a key as Billing has it, such as cost_center, the team, the values. Billing must have activated the key before."
  type        = list(object({ key = string, team = string, values = list(string) }))
  default     = []
}

variable "values_per_monitor" {
  description = "Accounts, or values of a tag, in one monitor. AWS takes 10 at most, and judges their sum: what rises in one and falls in another is no anomaly. Fewer find more, and take more of the monitors."
  type        = number
  default     = 10

  validation {
    condition     = var.values_per_monitor >= 1 && var.values_per_monitor <= 10 && floor(var.values_per_monitor) == var.values_per_monitor
    error_message = "A monitor takes 1 to 10 accounts or values."
  }
}

variable "most_monitors" {
  description = "Monitors that the account may have. AWS says 100 beside the one of its services; ask for more there, then say so here."
  type        = number
  default     = 100
}

variable "threshold" {
  description = "From when on a team is told of an anomaly: what it came to above what AWS expected, in dollars (absolute) and in percent (percentage). Both must be reached where both are set. 250 and 30 are what [daily] of policy.toml sets for our own anomalies: less than 250 is not worth somebody's hour, and less than 30 percent is the ordinary unrest of a week. Raise the first where a team is told too often; AWS keeps what is below it in its console."
  type        = object({ absolute = optional(number), percentage = optional(number) })
  default     = { absolute = 250, percentage = 30 }

  validation {
    condition     = var.threshold.absolute != null || var.threshold.percentage != null
    error_message = "threshold takes absolute, percentage or both."
  }

  validation {
    condition     = alltrue([for one in [var.threshold.absolute, var.threshold.percentage] : one == null ? true : one >= 0 && one <= 10000000000])
    error_message = "AWS takes thresholds from 0 to 10,000,000,000."
  }
}

variable "subscriptions" {
  description = "Who hears of a team's topic, by team, or by default for what is no team's: email with an address, which must confirm; https with an address that confirms by itself; sqs or lambda with an ARN. A chat is connected from its own side, in Amazon Q Developer, which is given the topic. filter takes attributes of the daily run's messages (docs/platform-alerts.md); AWS's own messages have none, so that a subscription with a filter does not get them."
  type        = map(list(object({ protocol = string, endpoint = string, filter = optional(map(list(string))) })))
  default     = {}

  validation {
    condition     = alltrue([for one in flatten(values(var.subscriptions)) : contains(["email", "https", "sqs", "lambda"], one.protocol)])
    error_message = "protocol is email, https, sqs or lambda: nothing that is told goes over http."
  }
}

variable "allocation_tags" {
  description = "Keys that are made active cost allocation tags, as Billing has them, such as cost_center. Billing knows a key about a day after a resource carries it first, and refuses it before: leave this empty at the first apply."
  type        = list(string)
  default     = []
}
