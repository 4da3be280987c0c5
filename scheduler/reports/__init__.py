"""Reports that people look at: a web page, a workbook, pictures and tables of the pit."""
