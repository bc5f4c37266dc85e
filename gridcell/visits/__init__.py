"""Visiting orders: in which order the buildings of each cell are walked to."""

from gridcell.visits.order import VisitingOrders, visiting_orders
from gridcell.visits.write import write_visits

__all__ = ["VisitingOrders", "visiting_orders", "write_visits"]
