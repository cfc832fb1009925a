"""SAM and CloudFormation text in, a Definition or a list of problems out. Opens no file and knows no clock."""
