#pragma once

#include "http/router.h"

handler import_index;
handler import_new;
handler import_make;
handler import_show;
handler import_begin;
handler import_confirm_stop;
handler import_stop;
handler import_refused_csv;
handler import_notes_csv;
handler import_again;
