# frozen_string_literal: true

require "open3"
require_relative "../../support/kino_process"
require_relative "../../support/snippets"
require_relative "../../support/tls"

# Each command in README and doc/ is run, and a new one has to find its place here. Ports and files of the reader's
# machine are replaced by some of the example's own.
RSpec.describe "commands in README and doc/" do
  include KinoProcess::Helpers

  # What is tried where there is more to it than that it works, by how it begins.
  elsewhere = {
    "bin/demo" => "bin/demo", "bin/test" => "bin/test", # they are what runs this
    "bin/rails server" => "spec/integration/front_doors/rails_server_spec.rb",
    "bin/rails generate kino:install" => "spec/integration/front_doors/rails_generator_spec.rb",
    "curl --cacert ~/.local/state/kino/localhost.pem" => "spec/integration/tls/commands_spec.rb",
    "certutil -d sql:$HOME/.pki/nssdb -A -t P,," => "spec/integration/tls/commands_spec.rb",
    "kino top" => "spec/unit/cli/remote_spec.rb",
    "ruby ractor_probe.rb" => "spec/integration/examples/rails_ractors_spec.rb"
  }
  asks = %w[status requests restart reload stop metrics]
  ends = %w[--check --help -h --from-puma --version --init --completions]

  before do
    %w[config.ru other.ru].each { |path| write(path, <<~RUBY) }
      # frozen_string_literal: true

      class Hello
        def call(_env) = [200, { "content-type" => "text/plain" }, ["hello"]]
      end

      run Hello.new.freeze
    RUBY
    write("config/puma.rb", "threads 1, 2\n")
  end

  # The same, on this machine.
  def here(words)
    TLS.made.write(folder)
    words.take_while { |word| word != ">" }.map do |word|
      word.sub("0.0.0.0", "127.0.0.1").sub(/:\d{3,5}(?=\z|\?)/, ":0").sub(/\A3000\z/, "0").sub("/tmp", folder)
          .gsub("/etc/ssl", folder)
    end
  end

  def run(program, *words) = program == "kino" ? kino(*words) : gem_command(program, *words)

  def addressed?(words) = words.intersect?(%w[-b -p -C])

  Snippets.commands.each do |command|
    program, *words = command.program
    next if elsewhere.keys.any? { |start| command.program.join(" ").start_with?(start) }
    next unless %w[kino rackup].include?(program)

    if words.intersect?(asks)
      it "#{command} is heard" do
        write("kino.rb", "control \"unix://#{folder}/control.sock\"\n")
        server = kino("-b", "tcp://127.0.0.1:0", "--processes", "2")
        server.url
        asked = run(program, *here(words))
        expect([asked.status, asked.err]).to eq([0, ""])
      end
    elsif words.intersect?(ends)
      it "#{command} does what it says" do
        asked = run(program, *here(words))
        asked.status
        expect(asked.out).not_to be_empty
        expect(asked.err.gsub(/^.*warning: Ractor.*\n/, "")).not_to match(/\A(kino|rackup): /)
      end
    else
      it "#{command} serves" do
        server = run(program, *here(words), *(%w[-b tcp://127.0.0.1:0] unless addressed?(words)))
        server.wait_for(/^Listening on /)
        server.signal(:TERM)
        expect(server.status).to eq(0), server.err
      end
    end
  end

  it "has testssl.sh look at a server, where that is installed, and find no version that is too old" do
    _, *words = Snippets.commands.map(&:program).find { |name, *| name == "testssl.sh" }
    program = %w[testssl.sh testssl].find { |name| there?(name) } # Debian's has the latter name
    skip "there is no testssl.sh: apt-get install testssl.sh" unless program
    made = TLS.made.write(folder)
    server = kino("-b", "ssl://127.0.0.1:0?cert=#{made[:cert]}&key=#{made[:key]}")
    at = server.url.delete_prefix("https://")
    said, = Open3.capture2e(program, "--protocols", "--color", "0", *words.map { |word| word.sub("example.org", at) })
    expect(said).to match(/TLS 1\.3 +offered/).and match(/TLS 1\.1 +not offered/)
  end

  def there?(program) = ENV["PATH"].split(":").any? { |at| File.executable?(File.join(at, program)) }

  it "is all tried" do
    others = Snippets.commands.reject do |command|
      %w[kino rackup testssl.sh].include?(command.program.first) ||
        elsewhere.keys.any? { |start| command.program.join(" ").start_with?(start) }
    end
    expect(others.map(&:to_s)).to eq([])
    elsewhere.each_value { |file| expect(File).to exist(File.join(Snippets::ROOT, file)) }
  end
end
