"""What the stand-in answers: what a prompt asks for, the words, label or JSON that it gets, and what a fault makes of
them. Pure: the same request always gets the same answer, except where a fault gives it that of another."""
