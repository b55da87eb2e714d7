# frozen_string_literal: true

require "kino/cli"
require "open3"
require "tmpdir"

RSpec.describe "kino --completions" do
  around { |example| Dir.mktmpdir { |folder| Dir.chdir(folder) { example.run } } }

  let(:flags) { Kino::CLI::Options.new([]).flags }
  let(:settings) { Kino::Configuration::Settings::TABLE.values }
  let(:commands) { %w[status requests metrics top restart reload stop] }

  def script(shell) = Kino::CLI.const_get(:Completions).for(shell, Kino::CLI::Options.new([]).flags)

  def there?(shell) = ENV["PATH"].split(":").any? { |folder| File.executable?("#{folder}/#{shell}") }

  def run(*command, input: "")
    out, status = Open3.capture2e({ "HOME" => Dir.pwd, "TERM" => "dumb" }, *command, stdin_data: input)
    expect(status).to be_success, out
    out
  end

  it "knows every flag, with its value" do
    expect(flags.flat_map(&:names)).to include("-b", "--bind", "-C", "--config", "--check", "--completions", "--help")
    expect(flags.map(&:long)).to include(*settings.flat_map(&:flags).grep(/\A--/))
    expect(flags.find { |flag| flag.long == "--mode" })
      .to have_attributes(short: "-m", argument: "NAME", values: %w[threaded ractor auto], file?: false, list?: false)
    expect(flags.find { |flag| flag.long == "--init" })
      .to have_attributes(short: nil, file?: true, optional?: true, value?: true, values: [])
    expect(flags.find { |flag| flag.long == "--bind" }).to have_attributes(list?: true, value?: true)
    expect(flags.find { |flag| flag.long == "--quiet" }).to have_attributes(value?: false, optional?: false)
  end

  %w[bash zsh fish].each do |shell|
    it "names each flag and command for #{shell}" do
      # fish writes them apart.
      words = flags.flat_map(&:names) + commands
      words = words.map { |word| word.sub(/\A--/, "-l ").sub(/\A-(?=\w\z)/, "-s ") } if shell == "fish"

      text = script(shell).gsub("\\n", " ")
      expect(words).to all(satisfy { |word| text.match?(/(?<![\w-])#{Regexp.escape(word)}(?![\w-])/) })
    end
  end

  describe "bash" do
    # What is offered where these words stand, the last of which is not complete.
    def offered(*words)
      File.write("kino.bash", script("bash"))
      run("bash", "--norc", "-c", <<~'BASH', "bash", *words).split("\n")
        source ./kino.bash
        COMP_WORDS=(kino "$@")
        COMP_CWORD=$#
        _kino kino "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        ((${#COMPREPLY[@]} == 0)) || printf '%s\n' "${COMPREPLY[@]}"
      BASH
    end

    it "offers commands, options and files of apps" do
      File.write("config.ru", "")
      File.write("other.rb", "")
      Dir.mkdir("my app")

      expect(offered("")).to include(*commands, "--mode", "config.ru", "my app")
      expect(offered("")).not_to include("other.rb")
      expect(offered("st")).to eq(%w[status stop])
      expect(offered("--w")).to eq(%w[--workers])
      expect(offered("-t", "3", "res")).to eq(%w[restart])
    end

    it "offers a flag's values, files where it takes one, and nothing where it may be anything" do
      File.write("a file.rb", "")

      expect(offered("-m", "")).to eq(%w[threaded ractor auto])
      expect(offered("--mode", "r")).to eq(%w[ractor])
      expect(offered("--mode", "=", "thr")).to eq(%w[threaded])
      expect(offered("--mode", "=")).to eq(%w[threaded ractor auto])
      expect(offered("--check", "--format", "")).to eq(%w[text json])
      expect(offered("-C", "a")).to eq(["a file.rb"])
      expect(offered("-p", "")).to eq([])
    end

    it "offers a command what it takes, and nothing else" do
      expect(offered("restart", "--")).to match_array(%w[--control --config --full --help])
      expect(offered("requests", "--")).to match_array(%w[--control --config --backtrace --format --help])
      expect(offered("-C", "kino.rb", "requests", "--b")).to eq(%w[--backtrace])
      expect(offered("--ful")).to eq([])
    end

    it "is what shellcheck takes" do
      skip "no shellcheck" unless there?("shellcheck")
      File.write("kino.bash", script("bash"))

      expect(run("shellcheck", "kino.bash")).to eq("")
    end
  end

  describe "zsh" do
    before { skip "no zsh" unless there?("zsh") }

    # zsh completes in a terminal alone: a second one, within the first, which waits for what is to come. What isn't
    # read yet keeps it from showing what it offers.
    def offers?(line, word)
      File.write("_kino", script("zsh"))
      run("timeout", "60", "zsh", "-f", "-c", <<~'ZSH', "zsh", line, word)
        zmodload zsh/zpty
        zpty shell zsh -f -i
        zpty -w shell "PS1=; unsetopt beep; fpath=($PWD \$fpath); autoload -U compinit; compinit -u -D"
        zpty -w shell "LISTMAX=10000; COLUMNS=200; print rea''dy"
        zpty -r shell seen '*ready*'
        zpty -w -n shell "$1"$'\t\t'
        zpty -r shell seen "*$2*" && zpty -d shell
      ZSH
    end

    it "offers commands with what they do, and a flag's values" do
      %w[status requests reload].each { |command| offers?("kino ", command) }
      offers?("kino ", "Says how the server is")
      offers?("kino --mode ", "auto*ractor*threaded")
      offers?("kino --wor", "--workers")
    end
  end

  describe "fish" do
    before { skip "no fish" unless there?("fish") }

    def offered(line)
      File.write("kino.fish", script("fish"))
      out = run("fish", "--no-config", "-c", "source kino.fish; complete -C #{line.dump}")
      out.lines(chomp: true).map { |text| text.split("\t") }
    end

    it "offers commands with what they do, files of apps, and a flag's values" do
      File.write("config.ru", "")
      first = offered("kino ").to_h { |pair| [*pair, nil].first(2) }

      expect(first).to include(*commands, "config.ru")
      expect(first["status"]).to eq("Says how the server is, and each of its processes")
      expect(offered("kino --mode ").map(&:first)).to match_array(%w[threaded ractor auto])
      expect(offered("kino requests --back").map(&:first)).to eq(["--backtrace"])
      expect(offered("kino --backtr")).to eq([])
      expect(offered("kino --wor").first).to match(["--workers", "workers to run"])
    end
  end

  it "is what the command prints; another shell is refused" do
    out, err = StringIO.new, StringIO.new
    expect(Kino::CLI.new(%w[--completions bash], out: out, err: err).run).to eq(0)
    expect(out.string).to eq(script("bash"))

    expect(Kino::CLI.new(%w[--completions ksh], out: out, err: err).run).to eq(1)
    expect(err.string)
      .to eq("kino: --completions: given \"ksh\", allowed: bash, zsh or fish; write --completions bash\n")
  end
end
