"""From the files that a person wrote to frozen values: every defect at once, with its file, line and mend."""
