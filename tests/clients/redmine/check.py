"""Reads a Redmine with python-redmine, as any of its users would: `check.py URL KEY`.

Run against the embedded Redmine it shows that the server speaks Redmine's protocol and not a dialect of Spine's. It
compares what the server says in one way with what it says in another, so it needs no knowledge of the data: only that
there are projects with a "Shared project ID", issues and time entries.
"""

import sys
from collections import Counter

from redminelib import Redmine
from redminelib.exceptions import AuthError, ForbiddenError, ResourceNotFoundError

SHARED_ID = "Shared project ID"
url, key = sys.argv[1:3]
redmine = Redmine(url, key=key)
checks = 0


def check(what, condition):
    global checks
    checks += 1
    if not condition:
        sys.exit(f"FAILED: {what}")


def raises(error, call):
    try:
        call()
    except error:
        return True
    return False


def field(project, name):
    return {field.name: field for field in project.custom_fields}[name]


def shared_id(project):
    return field(project, SHARED_ID).value or None


# Projects, through all pages.
listed = redmine.project.all(status="1|5")
projects = list(listed)
check("paging gives every project once", len({project.id for project in projects}) == len(projects))
check("paging ends at total_count", listed.total_count == len(projects))
carriers = Counter(shared_id(project) for project in projects)
check("there are projects to look at", len(carriers) > 3)
check("closed projects come only on request", {p.status for p in redmine.project.all()} == {1})
check("projects are shown by number", redmine.project.get(projects[0].id).name == projects[0].name)
check("projects are shown by identifier", redmine.project.get(projects[0].identifier).id == projects[0].id)

# By the custom field.
number = field(projects[0], SHARED_ID).id
by_field = f"cf_{number}"
wanted = [id for id in carriers if id and "|" not in id][:3]
found = list(redmine.project.all(**{by_field: "|".join(wanted), "status": "1|5"}))
check("a filter on the custom field finds its projects", Counter(map(shared_id, found)) == Counter({id: carriers[id] for id in wanted}))
check("a filter without a hit finds nothing", not list(redmine.project.all(**{by_field: "no such ID"})))
check("a filter that does not exist is ignored", len(list(redmine.project.all(cf_999="x", status="1|5"))) == len(projects))

# Issues of those projects, open ones and all, through all pages; the busiest project has more than one page if any has.
every = list(redmine.issue.filter(status_id="*", sort="id"))
per_project = Counter(issue.project.id for issue in every)
check("issues come in order", [issue.id for issue in every] == sorted(issue.id for issue in every))
check("there are issues to look at", len(every) > 100)
busiest = next(p for p in projects if p.id == max(per_project, key=per_project.get))
mine = list(redmine.issue.filter(status_id="*", **{f"project.{by_field}": shared_id(busiest)}))
same = sum(per_project[p.id] for p in projects if shared_id(p) == shared_id(busiest))
check("issues are found by their project's custom field", len(mine) == same)
check("issues are found by their project", len(list(redmine.issue.filter(project_id=busiest.id, status_id="*"))) == per_project[busiest.id])
open_ones = list(redmine.issue.filter(project_id=busiest.id))
check("closed issues come only on request", not any(issue.status.is_closed for issue in open_ones))
closed_ones = list(redmine.issue.filter(project_id=busiest.id, status_id="closed"))
check("open and closed ones are all", len(open_ones) + len(closed_ones) == per_project[busiest.id])
some = [issue.id for issue in every[:5]]
by_number = redmine.issue.filter(issue_id=",".join(map(str, some)), status_id="*", sort="id")
check("issues are found by number", [issue.id for issue in by_number] == some)
check("an issue is shown as it is listed", redmine.issue.get(some[0]).subject == every[0].subject)
trackers = {tracker.id: tracker.name for tracker in redmine.tracker.all()}
incidents = redmine.issue.filter(tracker_id=next(id for id, name in trackers.items() if name == "Incident"), status_id="*")
check("issues are found by tracker", {issue.tracker.name for issue in incidents} == {"Incident"})

# Hours.
entries = list(redmine.time_entry.filter(**{f"project.{by_field}": "|".join(wanted)}))
check("hours are found by the project's custom field", {e.project.id for e in entries} <= {p.id for p in found})
hours = sum(entry.hours for p in found for entry in redmine.time_entry.filter(project_id=p.id))
check("hours by project are the same hours", abs(hours - sum(entry.hours for entry in entries)) < 1e-6)
booked = next((entry for entry in redmine.time_entry.all(limit=100) if hasattr(entry, "issue")), None)
if booked is not None:
    spent = sum(entry.hours for entry in redmine.time_entry.filter(issue_id=booked.issue.id))
    check("an issue knows its hours", abs(redmine.issue.get(booked.issue.id).spent_hours - spent) < 1e-6)

# What hangs on a project, and the words of the installation.
versions = list(redmine.version.filter(project_id=busiest.id))
check("versions belong to the project", all(version.project.id == busiest.id for version in versions))
members = list(redmine.project_membership.filter(project_id=busiest.id))
check("members have roles", all(list(member.roles) for member in members))
check("statuses say whether they are closed", {s.is_closed for s in redmine.issue_status.all()} == {True, False})
check("there is a default priority", any(p.is_default for p in redmine.enumeration.filter(resource="issue_priorities")))

# Who may what.
check("the key's user is known", redmine.auth().login == redmine.user.get("current").login)
check("an unknown issue is a 404", raises(ResourceNotFoundError, lambda: redmine.issue.get(4_000_000)))
check("an unknown project is a 404", raises(ResourceNotFoundError, lambda: redmine.project.get("no-such-project")))
check("custom fields are for administrators", raises(ForbiddenError, lambda: list(redmine.custom_field.all())))
stranger = Redmine(url, key="wrong-key")
check("a wrong key is refused where a user is needed", raises(AuthError, stranger.auth))
check("a wrong key sees empty lists", not list(stranger.project.all()) and not list(stranger.issue.all(status_id="*")))
check("a wrong key sees no project", raises(AuthError, lambda: stranger.project.get(projects[0].id)))

print(f"python-redmine: {checks} checks passed")
