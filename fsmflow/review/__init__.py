"""The review page: all that a reviewer needs to decide on a workflow, in one file of HTML.

`content` gathers what there is to say as plain data, `page` puts it into the file. The page holds its
own style and script, asks no network for anything, and shows whatever a spec or a trace says as text.
"""
