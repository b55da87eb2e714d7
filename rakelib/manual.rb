# frozen_string_literal: true

require "kino/cli"

# The manual page of `kino`, made of its options, commands and settings: man/kino.1, which the gem carries.
module Manual
  PAGE = File.expand_path("../man/kino.1", __dir__)

  SIGNALS = {
    "INT, TERM, QUIT" => "Stop accepting, finish the requests that run within shutdown_timeout, and end. A second " \
                         "one, a second or more later, ends at once.",
    "HUP" => "The same with a terminal. Without one: with several processes read kino.rb again, with one open the " \
             "access log anew and read certificates again.",
    "USR1" => "Boot the app anew, and replace process by process; with one process, as USR2.",
    "USR2" => "Start another server on the same sockets, which takes this one's place once it serves.",
    "TTIN, TTOU" => "One process more, and one less."
  }.freeze
  STATUSES = {
    "0" => "It was told to stop, and finished everything; or what was asked for is done.",
    "1" => "Requests still ran when shutdown_timeout was over; or it could not start or go on, which one message " \
           "says; or --check found that the app can't run in ractors; or status that the server isn't ready.",
    "70" => "A fault of Kino's own, after which it served nobody.",
    "130, 143" => "A second INT, or TERM, ended it, or the first one while the app was still being loaded."
  }.freeze
  FILES = {
    "config.ru" => "The app.",
    "kino.rb, config/kino.rb" => "The settings, the first of these that is there; kino --init writes one.",
    "config/puma.rb" => "Puma's: read where it is named (-C config/puma.rb)."
  }.freeze
  VARIABLES = {
    "KINO_LOG" => "How much the Rust core says: error, warn, info, debug, trace or off.",
    "NO_COLOR" => "Set to anything: no colours. They are for terminals alone.",
    "FORCE_COLOR" => "Set to anything but 0: colours also where the output is no terminal."
  }.freeze
  private_constant :SIGNALS, :STATUSES, :FILES, :VARIABLES

  module_function

  # The page's text.
  def text
    [head, synopsis, description, commands, options, settings, environment, entries("FILES", FILES),
     entries("SIGNALS", SIGNALS), entries("EXIT STATUS", STATUSES), examples].join
  end

  # Puts it where it belongs.
  def write
    Dir.mkdir(File.dirname(PAGE)) unless Dir.exist?(File.dirname(PAGE))
    File.write(PAGE, text)
  end

  def head
    <<~ROFF
      .\\" Made of kino's options and settings by: rake doc:man
      .TH KINO 1 "" "Kino #{Kino::VERSION}" "User Commands"
      .SH NAME
      kino \\- Rack 3 web server with a Rust core
    ROFF
  end

  def synopsis
    commands = Kino::CLI.const_get(:Remote)::COMMANDS.values.map { |usage, _| usage }
    lines = ["kino [options] [config.ru]", *commands].map { |line| ".B kino\n#{escape(line.delete_prefix("kino "))}" }
    ".SH SYNOPSIS\n#{lines.join("\n.br\n")}\n"
  end

  def description
    <<~ROFF
      .SH DESCRIPTION
      Serves the Rack app in
      .I config.ru
      on http://127.0.0.1:9292, in this terminal, until it is told to stop. The app's folder is where it is started.
      .PP
      Flags win over the environment, that wins over
      .IR kino.rb ,
      and kino.rb over the defaults.
    ROFF
  end

  def commands
    Kino::CLI.const_get(:Remote)::COMMANDS.values.reduce(".SH COMMANDS\nAbout a server that runs.\n") do |page, one|
      page + item(one.first, one.last)
    end
  end

  def options
    Kino::CLI::Options.new([]).flags.reduce(".SH OPTIONS\n") do |page, flag|
      words = [flag.names.join(", "), *flag.argument].join(" ")
      page + item(words, flag.setting ? doc(flag.setting) : sentence(flag.lines.join(" ")))
    end
  end

  # Those that have a flag are explained there.
  def settings
    start = ".SH SETTINGS\nWords of kino.rb, which is plain Ruby.\n"
    Kino::Configuration::Settings::SECTIONS.reduce(start) do |page, (title, all)|
      all.reduce("#{page}.SS #{escape(title)}\n") do |section, setting|
        section + item(setting.written, setting.flags.empty? ? doc(setting) : "See #{setting.flags.last}.")
      end
    end
  end

  def environment
    settings = Kino::Configuration::Settings::TABLE.values.reject { |setting| setting.variables.empty? }
    ours = settings.to_h { |setting| [setting.variables.join(", "), sentence("#{setting.name}: #{setting.summary}")] }
    entries("ENVIRONMENT", ours.merge(VARIABLES))
  end

  def examples
    <<~ROFF
      .SH EXAMPLES
      .EX
      kino \\-p 3000 \\-t 3:16
      kino \\-b unix:///run/app.sock \\-\\-processes auto \\-e production
      kino \\-\\-check
      kino \\-\\-completions bash > ~/.local/share/bash\\-completion/completions/kino
      .EE
    ROFF
  end

  def entries(title, table) = table.reduce(".SH #{title}\n") { |page, (name, text)| page + item(name, text) }

  def item(name, text) = ".TP\n.B #{escape(name)}\n#{escape(text)}\n"

  def doc(setting) = "#{setting.doc} Default: #{setting.default_text}."

  def sentence(text) = "#{text[0].upcase}#{text[1..]}#{"." unless text.end_with?(".")}"

  # A line that begins with a dot or a quote would be an instruction, a double quote would hold an instruction's words
  # together, and a dash would be a hyphen.
  def escape(text)
    text.gsub("\\", "\\\\e").gsub("-", "\\-").gsub("'", "\\(aq").gsub('"', "\\(dq").gsub(/^\./, "\\\\&.")
  end

  private_class_method :head, :synopsis, :description, :commands, :options, :settings, :environment, :examples,
                       :entries, :item, :doc, :sentence, :escape
end
