"""What the workshop is made of: quizzes about rules."""
