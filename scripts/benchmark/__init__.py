# SPDX-License-Identifier: Apache-2.0
"""What scripts/bench is made of.

Each part is a file with measure(options, skip), which returns figures as plain data and appends to
`skip` what it could not measure and why, and sections(data), which makes Markdown of them. Data flows
one way: parts measure, budgets.py judges, page.py and plot.py show. Nothing here passes or fails.
"""
