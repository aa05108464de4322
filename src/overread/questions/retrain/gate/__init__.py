"""May a newly trained network take the place of the present one?"""
