# frozen_string_literal: true

namespace :doc do
  desc "Write the table of Puma's words in doc/from-puma.md"
  task :puma do
    $LOAD_PATH.unshift(File.expand_path("../lib", __dir__))
    require_relative "puma_table"
    PumaTable.write
  end

  desc "Write the manual page, man/kino.1, of the options, commands and settings"
  task :man do
    $LOAD_PATH.unshift(File.expand_path("../lib", __dir__))
    require_relative "manual"
    Manual.write
  end
end
