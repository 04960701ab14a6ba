"""A small campus: notices for everybody, grades for each student, an office that changes them."""
