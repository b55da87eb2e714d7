# frozen_string_literal: true

# Puma's settings for the idle connections of bench/compare: by default it would close them while they are measured.

persistent_timeout 300
first_data_timeout 300
