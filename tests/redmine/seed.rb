# Fills an empty Redmine with facts.json. Run by setup.sh through `rails runner`.
require "json"

facts = JSON.parse(File.read(ENV.fetch("SPINE_FACTS")))
ActionMailer::Base.perform_deliveries = false
Redmine::DefaultData::Loader.load("en")

Setting.rest_api_enabled = "1"
Setting.default_language = "en"
Setting.notified_events = []
Setting.login_required = "0" # so that a wrong key is nobody in particular, not a 401: the harder case

# The words of the demo.
{ 1 => "Task", 2 => "Incident", 3 => "Change request" }.each { |id, name| Tracker.find(id).update!(name: name) }
Tracker.create!(name: "Support", default_status: IssueStatus.first, is_in_roadmap: false)
TimeEntryActivity.create!(name: "Support")

fields = [
  ["Shared project ID", "string"], ["Health", "string"], ["Health reason", "string"], ["Project manager", "string"],
  ["Start date", "date"], ["Due date", "date"], ["Budget hours", "float"]
].map do |name, format|
  ProjectCustomField.create!(name: name, field_format: format, is_filter: name == "Shared project ID", visible: true)
end

admin = User.find_by_login("admin")
admin.update!(must_change_passwd: false, mail_notification: "none")
User.current = admin

def user(login, first, last)
  User.create!(login: login, firstname: first, lastname: last, mail: "#{login}@example.invalid", language: "en",
               mail_notification: "none", password: SecureRandom.hex(12))
end

# The key's user: no administrator, sees everything in the projects it belongs to, changes nothing.
reader = Role.create!(name: "Spine", assignable: false, issues_visibility: "all", users_visibility: "all",
                      time_entries_visibility: "all", permissions: %i[view_issues view_time_entries])
spine = user("spine", "Spine", "Reader")
token = Token.create!(user: spine, action: "api")
Token.where(id: token.id).update_all(value: ENV.fetch("SPINE_REDMINE_KEY"))

people = facts["people"].to_h { |first, last| ["#{first} #{last}", user(first.downcase, first, last)] }
developer = Role.find_by_name("Developer")

status = IssueStatus.all.to_h { |each| [each.name, each] }
tracker = Tracker.all.to_h { |each| [each.name, each] }
priority = IssuePriority.all.to_h { |each| [each.name, each] }
activity = TimeEntryActivity.all.to_h { |each| [each.name, each] }

facts["projects"].each do |fact|
  values = %w[shared_id health health_reason manager start due budget_hours].map { |key| fact[key] }
  project = Project.new(name: fact["name"], identifier: fact["identifier"], is_public: false,
                        enabled_module_names: %w[issue_tracking time_tracking], trackers: Tracker.all.to_a)
  project.custom_field_values = fields.zip(values).reject { |_, value| value.nil? }.to_h { |field, value| [field.id.to_s, value] }
  project.save!
  people.each_value { |person| Member.create!(project: project, user_id: person.id, roles: [developer]) }
  Member.create!(project: project, user_id: spine.id, roles: [reader]) unless fact["hidden"]

  versions = (fact["versions"] || []).to_h do |version|
    [version["name"], Version.create!(project: project, name: version["name"], effective_date: version["due"])]
  end

  numbered = (1..fact.fetch("numbered_issues", 0)).map do |n|
    { "subject" => "Site #{n}", "tracker" => "Task", "status" => n.odd? ? "New" : "Closed", "priority" => "Normal",
      "created" => "2025-02-01T08:00:00Z", "closed" => n.odd? ? nil : "2025-02-02T08:00:00Z" }
  end
  issues = ((fact["issues"] || []) + numbered).to_h do |issue|
    row = Issue.new(project: project, author: admin, subject: issue["subject"], tracker: tracker[issue["tracker"]],
                    status: status[issue["status"]], priority: priority[issue["priority"]],
                    assigned_to: people[issue["assignee"]], fixed_version: versions[issue["version"]],
                    done_ratio: issue["done_ratio"] || 0, estimated_hours: issue["estimated_hours"])
    row.save!
    row.update_columns(created_on: issue["created"], updated_on: issue["closed"] || issue["created"], closed_on: issue["closed"])
    [issue["subject"], row]
  end

  booked = (1..fact.fetch("numbered_time_entries", 0)).map do |n|
    { "person" => people.keys[n % people.size], "activity" => "Development", "hours" => "0.25", "spent_on" => "2025-02-03" }
  end
  ((fact["time_entries"] || []) + booked).each do |entry|
    person = people[entry["person"]]
    TimeEntry.create!(project: project, user: person, author: person, issue: issues[entry["issue"]],
                      activity: activity[entry["activity"]], hours: entry["hours"], spent_on: entry["spent_on"])
  end

  (fact["versions"] || []).each { |version| versions[version["name"]].update_columns(status: version["status"]) }
  project.update_columns(status: fact["status"])
end
puts "seeded #{Project.count} projects, #{Issue.count} issues, #{TimeEntry.count} time entries"
