#!/bin/sh
exec node "$(dirname "$0")/xss.mjs"
