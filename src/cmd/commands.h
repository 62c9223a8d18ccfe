#pragma once

#include "cmd/command.h"

extern const struct command command_check;
extern const struct command command_confirm;
extern const struct command command_cron;
extern const struct command command_cron_once;
extern const struct command command_demo;
extern const struct command command_doctor;
extern const struct command command_judge;
extern const struct command command_key;
extern const struct command command_migrate;
extern const struct command command_render;
extern const struct command command_secret;
extern const struct command command_setup_link;
extern const struct command command_track;
extern const struct command command_user;
extern const struct command command_version;
extern const struct command command_web;
