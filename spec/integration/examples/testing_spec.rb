# frozen_string_literal: true

RSpec.describe "examples/testing" do
  def run(*arguments, env: {})
    process = Example.run("testing", *arguments, env: env)
    [process.status, process.out, process.err]
  ensure
    process.kill
  end

  it "has tests of minitest that pass" do
    status, out, err = run("minitest_test.rb")
    expect([status, out[/^\d+ runs, .*/]]).to eq([0, "3 runs, 6 assertions, 0 failures, 0 errors, 0 skips"]), out + err
  end

  it "has tests of RSpec that pass" do
    rspec = Gem.bin_path("rspec-core", "rspec")
    status, out, err = run(rspec, "--options", File::NULL, "greeter_spec.rb")
    expect([status, out[/^\d+ examples, .*/]]).to eq([0, "2 examples, 0 failures"]), out + err
  end

  it "has tests of Capybara that pass, without a server and with one" do
    driver = "-r#{File.expand_path("../../support/net_http_driver", __dir__)}"
    register = "Capybara.register_driver(:net_http) { NetHttpDriver.new }; load 'capybara_test.rb'"
    [["capybara_test.rb"], [driver, "-e", register, { env: { "DRIVER" => "net_http" } }]].each do |arguments|
      options = arguments.last.is_a?(Hash) ? arguments.pop : {}
      status, out, err = run(*arguments, **options)
      expect([status, out[/^\d+ runs, .*/]])
        .to eq([0, "1 runs, 2 assertions, 0 failures, 0 errors, 0 skips"]), out + err
    end
  end
end
