"""Attributes by name."""


class Robot:
    name = "R2"

    def __init__(self):
        self.speed = 1.5

    def move(self, steps):
        return steps * 2


robot = Robot()
speed = getattr(robot, "speed")
move = getattr(robot, "move")
moved = move(3)
color = getattr(robot, "color", "grey")
setattr(robot, "arms", 2)
arms = robot.arms
has_legs = hasattr(robot, "legs")
name = getattr(Robot, "name")
kind = type(robot)
clone = type(robot)()
class_name = robot.__class__.__name__
