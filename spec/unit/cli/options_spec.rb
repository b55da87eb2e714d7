# frozen_string_literal: true

require "kino/cli"
require "tmpdir"

RSpec.describe Kino::CLI::Options do
  def configuration(*argv) = Kino::Configuration.from([described_class.new(argv).settings])

  def refusal(*argv)
    described_class.new(argv)
    raise "#{argv} was taken"
  rescue Kino::ConfigurationError => error
    error.message
  end

  it "serves with defaults where nothing is given" do
    options = described_class.new([])

    expect(options).to have_attributes(task: :serve, config_path: nil)
    expect(configuration).to eq(Kino::Configuration.new)
  end

  it "has a flag for what is set most" do
    given = Kino::Configuration.new(bind: "tcp://0.0.0.0:80", mode: :threaded, workers: 3, threads: 4,
                                    processes: 2, environment: "production", quiet: true)

    expect(configuration(*%w[-b tcp://0.0.0.0:80 -m threaded -w 3 -t 4 --processes 2 -e production --quiet]))
      .to eq(given)
    expect(configuration(*%w[--bind tcp://0.0.0.0:80 --mode threaded --workers 3 --threads 4 --processes 2
                             --environment production --quiet])).to eq(given)
    expect(configuration(*%w[--bind=tcp://0.0.0.0:80 -mthreaded -w3 --threads=4 --processes=2 -eproduction --quiet]))
      .to eq(given)
  end

  it "listens on every address that is given" do
    expect(configuration(*%w[-b 127.0.0.1:1 -b [::1]:2 -b unix:///a.sock]).bind)
      .to eq(%w[tcp://127.0.0.1:1 tcp://[::1]:2 unix:///a.sock])
    expect(configuration(*%w[-p 3000]).bind).to eq(%w[tcp://127.0.0.1:3000])
    expect(configuration(*%w[-p 3000 -b unix:///a.sock]).bind).to eq(%w[unix:///a.sock tcp://127.0.0.1:3000])
  end

  it "takes a config.ru before, between and after the flags" do
    [%w[app.ru -t 3 -w 2], %w[-t 3 app.ru -w 2], %w[-t 3 -w 2 app.ru], %w[-t 3 -w 2 -- app.ru]].each do |argv|
      expect(configuration(*argv)).to have_attributes(rackup: "app.ru", threads: 3, workers: 2)
    end
  end

  it "takes the configuration file, or - for none" do
    expect(described_class.new(%w[-C other.rb]).config_path).to eq("other.rb")
    expect(described_class.new(%w[--config=other.rb]).config_path).to eq("other.rb")
    expect(described_class.new(%w[-C -]).config_path).to eq("-")
  end

  it "may speak TLS with a certificate of this machine's own" do
    expect(described_class.new([]).dev_tls).to be(false)
    expect(described_class.new(%w[--dev-tls -p 3000])).to have_attributes(task: :serve, dev_tls: true)
  end

  it "knows the other tasks" do
    expect(described_class.new(%w[--init])).to have_attributes(task: :init, init_path: "kino.rb")
    expect(described_class.new(%w[--init a.rb])).to have_attributes(task: :init, init_path: "a.rb")
    expect(described_class.new(%w[--from-puma])).to have_attributes(task: :from_puma, puma_path: "config/puma.rb")
    expect(described_class.new(%w[--from-puma puma.rb])).to have_attributes(task: :from_puma, puma_path: "puma.rb")
    expect(described_class.new(%w[-v]).task).to eq(:version)
    expect(described_class.new(%w[-h]).task).to eq(:help)
  end

  it "knows what --check wants to know" do
    expect(described_class.new(%w[--check])).to have_attributes(task: :check, format: "text", request: "GET /")
    options = described_class.new(["--check", "--format", "json", "--request", "POST /a?b", "app.ru"])
    expect(options).to have_attributes(task: :check, format: "json", request: "POST /a?b")
    expect(configuration("--check", "app.ru").rackup).to eq("app.ru")
  end

  it "refuses what --check can't do" do
    expect(refusal("--check", "--format", "xml"))
      .to eq('--format: given "xml", allowed: text or json; write --format json')
    expect(refusal("--check", "--request", "/"))
      .to eq('--request: given "/", allowed: a method and a path, with a query or without; write --request "GET /"')
    expect(refusal("--chekc")).to eq("--chekc: there is no such option; did you mean --check?")
  end

  it "knows --reload, which is for serving alone" do
    expect(described_class.new(%w[--reload app.ru])).to have_attributes(task: :serve, reload: true)
    expect(described_class.new([])).to have_attributes(reload: false)
    expect(refusal("--reload", "--check")).to eq("--reload: is for serving alone; write kino --reload")
    expect(refusal("--relaod")).to eq("--relaod: there is no such option; did you mean --reload?")
  end

  it "refuses --format and --request without --check" do
    expect(refusal("--format", "json")).to eq("--format: is for --check alone; write kino --check --format json")
    expect(refusal("--request", "GET /a", "app.ru"))
      .to eq('--request: is for --check alone; write kino --check --request "GET /a"')
    expect(refusal("--format", "json", "--version")).to start_with("--format: is for --check alone")
  end

  it "leaves the arguments as they are" do
    argv = %w[-t 3 app.ru].freeze

    expect { described_class.new(argv) }.not_to raise_error
  end

  it "refuses an unknown option, with the nearest there is" do
    expect(refusal("--wrokers", "3")).to eq("--wrokers: there is no such option; did you mean --workers?")
    expect(refusal("--confg=x")).to eq("--confg=x: there is no such option; did you mean --config?")
    expect(refusal("--zzzzzz")).to eq("--zzzzzz: there is no such option; see kino --help")
    expect(refusal("-x")).to eq("-x: there is no such option; see kino --help")
  end

  it "refuses what is no text where it is written, and not with a backtrace" do
    [["\xFF"], ["-p", "\xFF"], ["--\xFE"], ["-C", "caf\u00e9.rb".dup.force_encoding("US-ASCII")]].each do |argv|
      expect { described_class.new(argv) }
        .to raise_error(Kino::ConfigurationError, /\Agiven ".*\\x.*", which is no text in (UTF-8|US-ASCII); write/)
    end
  end

  it "takes a word that is nearly a command for one that is misspelled, unless there is such a file" do
    expect { described_class.new(["stats"]) }
      .to raise_error(Kino::ConfigurationError,
                      "stats: there is no such command, and no such file; did you mean kino status?")
    Dir.mktmpdir do |folder|
      Dir.chdir(folder) do
        File.write("stats", "")
        expect(described_class.new(["stats"]).settings[:rackup].value).to eq("stats")
      end
    end
    expect(described_class.new(["app.ru"]).task).to eq(:serve)
  end

  it "refuses an option without its value, and a value where there is none" do
    expect(refusal("--threads")).to eq("--threads: needs a value; see kino --help")
    expect(refusal("-t")).to eq("-t: needs a value; see kino --help")
    expect(refusal("--quiet=yes")).to eq("needless argument: --quiet=yes; see kino --help")
  end

  it "takes an address of Puma's, and notes what of it does nothing" do
    address = "ssl://0.0.0.0:1?cert=/c&key=/k&ca=/ca"
    layer = described_class.new(["-b", "#{address}&ssl_cipher_filter=x&verification_flags=X"]).settings
    expect(layer[:bind].value).to eq(["ssl://0.0.0.0:1?cert=/c&key=/k&client_ca=/ca"])
    expect(layer.ignored)
      .to match([/\A--bind "ssl:.*": \?ssl_cipher_filter=x&verification_flags=X does nothing here: .*weaker/])
  end

  it "refuses a value that isn't allowed, naming the flag" do
    expect(refusal("-t", "0"))
      .to eq('--threads: given "0", allowed: an Integer from 1 to 1024, or MIN:MAX; write --threads 5')
    expect(refusal("--processes", "many"))
      .to eq('--processes: given "many", allowed: an Integer from 1 to 256 or auto; write --processes 4')
    expect(refusal("-b", ":80")).to start_with('--bind: given ":80", which names no host; ')
      .and end_with("write --bind tcp://127.0.0.1:80")
    # As a shell has to be given it.
    expect(refusal("-b", "ssl://a:1?cert=/c&key=/it's&colour=red"))
      .to end_with("write --bind 'ssl://a:1?cert=/c&key=/it'\\''s'")
    expect(refusal("")).to eq('the argument: given "", allowed: the path of a file; write config.ru')
  end

  it "refuses more than one file" do
    expect(refusal("a.ru", "b.ru")).to eq("given the files a.ru and b.ru, allowed: one")
  end
end
