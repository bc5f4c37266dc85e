"""Who answers for which cell: posts filled from the staff roster, the others as vacancies."""

from gridcell.staff.assign import Assignment, assign_staff, make_assignment
from gridcell.staff.posts import ROLES, make_posts
from gridcell.staff.renew import homes_of, renew_staff

__all__ = [
    "ROLES",
    "Assignment",
    "assign_staff",
    "homes_of",
    "make_assignment",
    "make_posts",
    "renew_staff",
]
