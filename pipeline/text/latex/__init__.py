"""What several rooms know about LaTeX."""
